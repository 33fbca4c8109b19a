// The page /live/network: each step of the way that a room takes to a visitor, and in words what blocks it.

import { $, el, toast, useTheme } from "./page.js";
import { connects, iceServers, relays, socketEchoes } from "./probes.js";

const OFFERED = { video: ["video/h264", "video/vp8"], audio: ["audio/opus"] };
const MSE_VIDEO = 'video/mp4; codecs="avc1.42C01F"';
const SLOW_MS = 250;

// A step answers {is: "good" | "half" | "bad" | "none", words, todo, took}. What it learns is put into `known`.
const STEPS = [
  { id: "server", title: "The server answers", run: server },
  { id: "secure", title: "The page may use your microphone", run: secure },
  { id: "browser", title: "Your browser speaks WebRTC", run: browser },
  { id: "udp", title: "Media reaches you over UDP", run: udp },
  { id: "relay", title: "A relay (TURN) helps behind firewalls", run: relay },
  { id: "socket", title: "Media can come over one TCP port", run: socket },
];

async function server() {
  const begun = performance.now();
  try {
    const response = await fetch("/healthz", { cache: "no-store" });
    const took = performance.now() - begun;
    if (!response.ok) return bad(`It answered with status ${response.status}.`, "Try again in a minute. If it stays so, tell whoever runs this server.");
    return { ...good("It does."), took };
  } catch {
    return bad("No answer came.", "Check your connection, and whether a proxy, a blocker or a VPN holds this address back.");
  }
}

async function secure() {
  if (!isSecureContext) return { ...half("This page came over plain http. Browsers give the microphone only to https."), todo: "You can watch and type. To talk, open this server over https; whoever runs it puts a certificate in front." };
  if (!navigator.mediaDevices) return { ...half("This browser gives no page the microphone."), todo: "Use a current Chrome, Edge, Firefox or Safari." };
  return good("It came over a safe connection. “Test the microphone” below tries the device itself.");
}

async function browser(known) {
  known.webrtc = typeof RTCPeerConnection !== "undefined";
  known.media = Boolean((window.MediaSource || window.ManagedMediaSource)?.isTypeSupported(MSE_VIDEO));
  if (!known.webrtc) return known.media ? { ...half("It does not, or an extension turned it off."), todo: "Rooms will come over TCP, somewhat later. Allow WebRTC in the browser's settings for the shortest delay." } : bad("It does not.", "Use a current Chrome, Edge, Firefox or Safari.");
  const missing = Object.entries(OFFERED).filter(([kind, wanted]) => {
    const capabilities = RTCRtpReceiver.getCapabilities?.(kind);
    return capabilities && !wanted.some((name) => capabilities.codecs.some((codec) => codec.mimeType.toLowerCase() === name));
  });
  if (missing.length) return bad(`It decodes none of our ${missing.map(([kind]) => (kind === "video" ? "pictures (H.264 or VP8)" : "sound (Opus)")).join(" and ")}.`, "Use another browser: a current Chrome, Edge, Firefox or Safari.");
  return good("It does, and decodes what we send.");
}

async function udp(known) {
  if (!known.webrtc) return none("Not tested: there is no WebRTC here.");
  const result = await connects();
  known.udp = result.ok;
  if (!result.ok && result.refused) return none(result.refused);
  if (!result.ok) {
    return { ...half("Nothing came through. A firewall, a VPN or a company's network blocks UDP between you and the server."), todo: "Try another network, such as a phone's. In a company, ask for UDP to this server, or for a TURN server. Until then rooms come over TCP." };
  }
  const words = `Yes: ${result.through}, ${Math.round(result.rtt)} ms there and back.`;
  if (result.rtt > SLOW_MS) return { ...half(words), todo: "The way is long: conversation will lag. A cable instead of wireless, no VPN, or another network helps.", took: result.took };
  return { ...good(words), took: result.took };
}

async function relay(known) {
  if (!known.webrtc) return none("Not tested: there is no WebRTC here.");
  const servers = await iceServers();
  const relaying = servers.filter((entry) => [entry.urls].flat().some((url) => url.startsWith("turn")));
  if (!relaying.length) return known.udp ? none("This server has none set up, and you need none.") : none("This server has none set up. One would help here: its operator sets AVATARIUM_ICE_SERVERS.");
  const result = await relays(relaying);
  known.relay = result.ok;
  if (result.ok) return { ...good(result.connected ? "Yes, and media passes through it." : "Yes, it answers."), took: result.took };
  const words = "The relay did not answer.";
  const todo = "Your network may block its ports, or its credentials are wrong. Whoever runs the server checks it with `avatarium doctor --network`.";
  return known.udp ? { ...half(`${words} You do not need it here.`), todo } : bad(words, todo);
}

async function socket(known) {
  const result = await socketEchoes();
  known.socket = result.ok && known.media;
  if (!result.ok) {
    const todo = "A proxy between you and the server does not pass WebSockets on. Its operator lets the header Upgrade through; for you another network helps.";
    return known.udp ? { ...half("No WebSocket opens. You do not need it here."), todo } : bad("No WebSocket opens.", todo);
  }
  if (!known.media) return { ...half("A WebSocket opens, but this browser cannot play what comes over it."), todo: "Use a current Chrome, Edge, Firefox or Safari where UDP is blocked." };
  return { ...good("Yes. Rooms switch to it by themselves where UDP is blocked."), took: result.took };
}

function good(words) {
  return { is: "good", words };
}

function half(words) {
  return { is: "half", words };
}

function bad(words, todo) {
  return { is: "bad", words, todo };
}

function none(words) {
  return { is: "none", words };
}

function verdict(results, known) {
  if (results.server.is === "bad") return ["bad", "The server cannot be reached", "None of the rest matters before that works."];
  if (known.udp) {
    const silent = results.secure.is === "good" ? "" : " You can type; the microphone needs https.";
    return [results.udp.is === "good" ? "good" : "half", results.udp.is === "good" ? "Your network is ready" : "It works, with a lag", `Picture and sound come directly, by WebRTC.${silent}`];
  }
  if (known.relay) return ["good", "It works through a relay", "UDP to the server is blocked, and the TURN server carries the conversation."];
  if (known.socket) return ["half", "It works over TCP", "UDP does not get through, so rooms come over one TCP connection: a little later, and less smooth on a bad line."];
  return ["bad", "A conversation cannot reach you here", "The steps below say what is blocked and what to do."];
}

function show(row, result) {
  row.dataset.is = result.is;
  const took = result.took ? `${Math.round(result.took)} ms` : "";
  row.querySelector(".took").textContent = took;
  row.querySelectorAll("p").forEach((part) => part.remove());
  row.append(el("p", {}, result.words || ""));
  if (result.todo) row.append(el("p", { class: "todo" }, el("b", {}, "What to do: "), result.todo));
}

function rowOf(title) {
  return el("li", { "data-is": "waiting" }, el("span", { class: "sign", "aria-hidden": "true" }), el("h3", {}, title), el("span", { class: "took" }));
}

function showVerdict([is, title, words]) {
  $("verdict").dataset.is = is;
  $("verdict-title").textContent = title;
  $("verdict-words").textContent = words;
}

let report = "";

async function test() {
  for (const id of ["again", "copy"]) $(id).disabled = true;
  showVerdict(["running", "Testing…", "This takes about ten seconds."]);
  const rows = STEPS.map(({ title }) => rowOf(title));
  $("list").replaceChildren(...rows);
  const known = {};
  const results = {};
  for (const [i, step] of STEPS.entries()) {
    rows[i].dataset.is = "running";
    results[step.id] = await step.run(known).catch((problem) => bad(`The test failed: ${problem.message}`, "Try again."));
    show(rows[i], results[step.id]);
  }
  const judged = verdict(results, known);
  showVerdict(judged);
  report = [judged.slice(1).join(": "), ...STEPS.map(({ id, title }) => `[${results[id].is}] ${title}: ${results[id].words}`), navigator.userAgent].join("\n");
  for (const id of ["again", "copy"]) $(id).disabled = false;
}

async function testMicrophone() {
  const row = $("list").querySelector("[data-microphone]") || rowOf("Your microphone");
  row.dataset.microphone = "";
  $("list").append(row);
  row.dataset.is = "running";
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const loudest = await listen(stream);
    const name = stream.getAudioTracks()[0].label;
    stream.getTracks().forEach((track) => track.stop());
    show(row, loudest > 0.01 ? good(`“${name}” hears you.`) : { ...half(`“${name}” is open but silent.`), todo: "Say something while this runs, or choose another device in the browser's settings." });
  } catch (problem) {
    const refused = problem.name === "NotAllowedError";
    show(row, bad(refused ? "It was refused." : "There is none, or it cannot be opened.", refused ? "Allow it for this page: the sign left of the address." : "Plug one in, close programs that hold it, and try again."));
  }
}

async function listen(stream) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  const end = performance.now() + 2500;
  while (performance.now() < end) {
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await context.close();
  return loudest;
}

useTheme($("theme"));
$("again").addEventListener("click", test);
$("microphone").addEventListener("click", testMicrophone);
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(report);
    toast("Copied.", { bad: false, forMs: 2500 });
  } catch {
    toast(report, { bad: false, forMs: 60_000 });
  }
});
test();
