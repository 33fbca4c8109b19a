// Short connections that find out what the network lets through.

const CONNECT_MS = 7000;
const PINGS = 8;
const PING_MS = 120;
const LATE_MS = 1500;
const SOCKET_MS = 5000;
const THROUGH = { host: "directly", srflx: "through your router", prflx: "through your router", relay: "through a relay" };

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function within(promise, ms) {
  return Promise.race([promise, pause(ms).then(() => null)]);
}

async function answerTo(sdp) {
  const response = await fetch("/live/network/offer", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ sdp }) });
  const told = await response.json().catch(() => ({}));
  if (response.ok && told.data) return { answer: told.data.sdp };
  return { refused: told.message || `The server could not take part in this test (status ${response.status}).` };
}

// A peer connection with a data channel that the server echoes.
// {ok, rtt, lost, sent, took, through} or {ok: false, refused}
export async function connects(configuration = {}) {
  const begun = performance.now();
  const pc = new RTCPeerConnection(configuration);
  try {
    const channel = pc.createDataChannel("echo", { ordered: false, maxRetransmits: 0 });
    const opened = new Promise((resolve) => { channel.onopen = () => resolve(true); });
    const offer = await pc.createOffer();
    await pc.setLocalDescription(offer);
    if (configuration.iceTransportPolicy === "relay") await within(gathered(pc), CONNECT_MS);
    const { answer, refused } = await answerTo(pc.localDescription.sdp);
    if (refused) return { ok: false, refused };
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
    if (!(await within(opened, CONNECT_MS))) return { ok: false };
    const took = performance.now() - begun;
    return { ok: true, took, through: await through(pc), ...(await ping(channel)) };
  } finally {
    pc.close();
  }
}

function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve(true);
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
}

async function through(pc) {
  const report = await pc.getStats();
  let pair = null;
  report.forEach((entry) => {
    if (entry.type === "transport" && entry.selectedCandidatePairId) pair = report.get(entry.selectedCandidatePairId);
  });
  const local = pair && report.get(pair.localCandidateId);
  return THROUGH[local ? local.candidateType : ""] || "directly";
}

async function ping(channel) {
  const sentAt = new Map();
  const times = [];
  let last = () => {};
  channel.onmessage = ({ data }) => {
    const at = sentAt.get(String(data));
    if (at !== undefined) times.push(performance.now() - at);
    if (times.length === PINGS) last();
  };
  const all = new Promise((resolve) => { last = resolve; });
  for (let i = 0; i < PINGS; i += 1) {
    sentAt.set(String(i), performance.now());
    channel.send(String(i));
    await pause(PING_MS);
  }
  await within(all, LATE_MS);
  times.sort((a, b) => a - b);
  return { rtt: times.length ? times[Math.floor(times.length / 2)] : Infinity, sent: PINGS, lost: PINGS - times.length };
}

export async function iceServers() {
  const response = await fetch("/live/network/ice");
  return response.ok ? (await response.json()).data.ice_servers : [];
}

// Whether a relay gives an address, and whether a connection through it reaches the server.
export async function relays(servers) {
  const begun = performance.now();
  const configuration = { iceServers: servers, iceTransportPolicy: "relay" };
  const pc = new RTCPeerConnection(configuration);
  try {
    pc.createDataChannel("echo");
    const found = new Promise((resolve) => {
      pc.onicecandidate = ({ candidate }) => candidate && candidate.candidate.includes(" typ relay") && resolve(true);
    });
    await pc.setLocalDescription(await pc.createOffer());
    if (!(await within(found, CONNECT_MS))) return { ok: false };
  } finally {
    pc.close();
  }
  const took = performance.now() - begun;
  const result = await connects(configuration);
  return { ok: result.ok || Boolean(result.refused), connected: result.ok, took };
}

export async function socketEchoes() {
  const begun = performance.now();
  const address = new URL("/live/network/echo", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  const echoed = new Promise((resolve) => {
    socket.onopen = () => socket.send("echo");
    socket.onmessage = () => resolve(true);
    socket.onclose = () => resolve(false);
  });
  const ok = Boolean(await within(echoed, SOCKET_MS));
  socket.onclose = null;
  socket.close();
  return { ok, took: performance.now() - begun };
}
