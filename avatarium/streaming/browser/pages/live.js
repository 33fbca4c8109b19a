// The page /live: from a key to a conversation and its bill.

import { Figures } from "./figures.js";
import { $, Api, el, minutes, remember, remembered, toast, useTheme } from "./page.js";
import { Room } from "./room.js";
import { Setup } from "./setup.js";
import { Talk } from "./talk.js";

const PANELS = { key: "key-panel", lobby: "setup", joining: "setup", line: "waiting", live: "talk", bill: "bill" };
const EXTEND_S = 60;
const SOON_S = 30;
const LINE_S = 4;
const WORDS = { "": "Listening", speaking: "Speaking", listening: "Hears you" };
const DOTS = { "": "is-live", speaking: "is-talking", listening: "is-hearing" };

const studio = $("studio");
let api = null;
let setup = null;
let room = null;
let figures = null;
let clock = 0;
let line = 0;
let ticket = "";

const talk = new Talk({
  send: (how, text, manner) => attempt(() => room.send(how, text, manner)),
  saveContext: (text) => attempt(async () => {
    await room.setContext(text);
    toast("Saved. The next question is answered from it.", { bad: false, forMs: 4000 });
  }),
});

async function attempt(work) {
  try {
    return await work();
  } catch (problem) {
    toast(problem.message.replace(/^AgoraRTCError \w+: /, ""));
    return undefined;
  }
}

function go(state) {
  $("toasts").replaceChildren();
  studio.dataset.state = state;
  for (const id of new Set(Object.values(PANELS))) $(id).hidden = PANELS[state] !== id;
  const isLive = state === "live";
  for (const id of ["controls", "glance", "time"]) $(id).hidden = !isLive;
  $("behind").hidden = !isLive || !seesThrough();
  $("who").hidden = isLive || state === "joining";
  $("state").hidden = !isLive && state !== "joining";
  $("start").disabled = state !== "lobby" || !setup.avatar;
  $("start").textContent = state === "joining" ? "Joining…" : "Start";
  if (!isLive) studio.classList.remove("seen");
  $("change-key").hidden = !["lobby", "bill"].includes(state);
}

function seesThrough() {
  return "behind" in $("screen").dataset;
}

function showBehind(wanted) {
  const [chosen] = [...document.getElementsByName("behind")].filter((choice) => choice.checked);
  if (wanted) $("screen").dataset.behind = chosen.value;
  else delete $("screen").dataset.behind;
}

function showState(words, dot) {
  $("state-words").textContent = words;
  $("state").firstElementChild.className = `dot ${dot}`;
}

async function showCoins() {
  const balance = await attempt(() => api.get("user/remainingCoins"));
  if (!balance) return;
  $("coins").hidden = false;
  $("coins").firstElementChild.textContent = Math.floor(balance.coins).toLocaleString("en");
}

async function useKey(key) {
  api = new Api(key);
  const facts = await (await fetch("/live/facts.json")).json();
  await api.get("user/remainingCoins"); // a wrong key says so here
  remember("sessionStorage", "key", key);
  setup = setup && setup.key === key ? setup : Object.assign(new Setup(api, facts), { key });
  go("lobby");
  showCoins();
  await setup.load();
}

async function start() {
  const begun = performance.now();
  setup.silence();
  go("joining");
  showState("Joining", "is-waiting");
  const mine = new Room(api, callbacks());
  room = mine;
  try {
    const request = { ...setup.request(), ...(ticket ? { ticket } : {}) };
    if (!(await mine.book(request, inLine))) return;
    showBehind(Boolean(request.transparent));
    ticket = "";
    figures = new Figures();
    talk.open($("context").value);
    await mine.join($("player"), { transport: $("transport").value, begun });
    if (room !== mine) return;
    go("live");
    showCoins();
    clearInterval(clock);
    clock = setInterval(tick, 250);
    $("words").focus({ preventScroll: true });
  } catch (problem) {
    if (mine.channel) mine.leave().catch(() => {});
    await mine.close();
    if (room === mine) room = null;
    go("lobby");
    toast(problem.message.replace(/^AgoraRTCError \w+: /, ""));
  }
}

function callbacks() {
  return {
    event: hear,
    picture: (ms) => {
      studio.classList.add("seen");
      figures.firstPicture(ms);
      showState(WORDS[""], DOTS[""]);
    },
    sound: (ms) => figures.firstSound(ms),
    stats: (stats) => figures.show(stats),
    blocked: () => { $("sound").hidden = false; },
    transport: (name, why) => why === "udp_blocked" && talk.note("UDP does not get through here: the picture now comes over one TCP connection, a little later."),
    state: connection,
  };
}

function connection(state, reason) {
  if (state === "RECONNECTING") showState("Reconnecting", "is-waiting");
  else if (state === "CONNECTED" && studio.dataset.state === "live") showState(WORDS[""], DOTS[""]);
  else if (state === "DISCONNECTED" && reason !== "LEAVE" && room) finish(room);
}

function hear(event) {
  const state = talk.hear(event);
  if (state !== null) showState(WORDS[state], DOTS[state]);
  if (event.type === "expiring") talk.note(`${event.seconds_left} seconds left.`);
  if (event.type === "microphone_ended") microphoneIs(false);
}

function inLine(place, message) {
  ticket = place.ticket || ticket;
  room = null;
  go("line");
  const wait = place.expected_wait_s ? ` The wait is about ${minutes(place.expected_wait_s)} minutes.` : "";
  $("waiting-title").textContent = place.place ? "All places are taken" : "Almost ready";
  $("waiting-words").textContent = place.place ? `You are number ${place.place} in line.${wait} This page asks again by itself.` : message;
  clearTimeout(line);
  line = setTimeout(start, LINE_S * 1000);
}

function tick() {
  if (!room) return;
  const left = (room.endsMs - Date.now()) / 1000;
  $("time-left").textContent = minutes(left);
  $("time").classList.toggle("soon", left < SOON_S);
  const level = room.level;
  $("level").hidden = level === null;
  if (level !== null) $("level").firstElementChild.style.transform = `scaleX(${Math.min(level, 1)})`;
}

function microphoneIs(on) {
  $("mic").setAttribute("aria-pressed", String(on));
  $("mic").querySelector("span").textContent = on ? "Mute" : "Talk";
}

async function toggleMicrophone() {
  const on = $("mic").getAttribute("aria-pressed") !== "true";
  $("mic").disabled = true;
  await attempt(async () => {
    await room.talk(on);
    microphoneIs(on);
  });
  $("mic").disabled = false;
}

// The end of a room: by the button, by its time, or because something failed.
async function finish(mine, leaving = false) {
  if (room !== mine) return;
  room = null;
  clearInterval(clock);
  talk.close();
  microphoneIs(false);
  $("sound").hidden = true;
  const report = await attempt(() => (leaving ? mine.leave() : mine.report()));
  await mine.close();
  bill(report || {});
  showCoins();
}

function bill(session) {
  const report = session.report || session;
  const lines = [["Booked", `${report.booked_s ?? "–"} s`], ["Used", report.used_s === undefined ? "–" : `${Math.round(report.used_s * 10) / 10} s`], ["Held", report.held], ["Given back", report.refunded], ["Charged", report.charged]];
  $("who-more").textContent = "Until next time.";
  $("bill-why").textContent = report.why || "The room is over.";
  $("bill-lines").replaceChildren(...lines.flatMap(([name, value], i) => {
    const total = i === lines.length - 1 ? "total" : "";
    return [el("dt", { class: total }, name), el("dd", { class: total }, value === undefined ? "–" : typeof value === "number" ? `${value} coin${value === 1 ? "" : "s"}` : value)];
  }));
  if (report.recording_url) $("bill-lines").append(el("dt", {}, "Recording"), el("dd", {}, el("a", { href: report.recording_url }, "Open")));
  go("bill");
  $("again").focus({ preventScroll: true });
}

function wire() {
  useTheme($("theme"));
  $("key-panel").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => useKey($("key").value.trim()));
  });
  $("setup").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  $("change-key").addEventListener("click", () => {
    remember("sessionStorage", "key", "");
    $("coins").hidden = true;
    go("key");
  });
  $("stop-waiting").addEventListener("click", () => {
    clearTimeout(line);
    ticket = "";
    go("lobby");
  });
  $("behind").addEventListener("change", () => showBehind(true));
  $("leave").addEventListener("click", () => finish(room, true));
  $("again").addEventListener("click", () => {
    setup.greet();
    go("lobby");
  });
  $("mic").addEventListener("click", toggleMicrophone);
  $("interrupt").addEventListener("click", () => attempt(() => room.interrupt()));
  $("extend").addEventListener("click", () => attempt(async () => {
    const answer = await room.extend(EXTEND_S);
    if (answer && answer.expire_epoch_timestamp) room.endsMs = answer.expire_epoch_timestamp * 1000;
    showCoins();
  }));
  $("sound").addEventListener("click", () => {
    $("sound").hidden = true;
    room.resumeSound();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && studio.dataset.state === "live") $("interrupt").click();
  });
  if (!isSecureContext) {
    $("mic").disabled = true;
    $("mic").title = "Browsers give the microphone to pages over https only.";
  }
}

// A face to greet those who have no key yet.
async function greet() {
  const { poster } = await (await fetch("/live/facts.json")).json();
  if (poster && !$("poster").getAttribute("src")) $("poster").src = poster;
}

wire();
go("key");
greet().catch(() => {});
const known = remembered("sessionStorage", "key");
if (known) attempt(() => useKey(known));
