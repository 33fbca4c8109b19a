// Short connections that find out what the network lets through.

const CONNECT_MS = 7000;
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

// The connection of a viewer, without a room: {ok, rtt, took, through}, or {ok: false, refused} where the server cannot take part.
export async function connects(configuration = {}) {
  const begun = performance.now();
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", ...configuration });
  try {
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.addTransceiver("video", { direction: "recvonly" });
    const channel = pc.createDataChannel("events");
    const heard = new Promise((resolve) => { channel.onmessage = () => resolve(true); });
    await pc.setLocalDescription(await pc.createOffer());
    if (configuration.iceTransportPolicy === "relay") await within(gathered(pc), CONNECT_MS);
    const { answer, refused } = await answerTo(pc.localDescription.sdp);
    if (refused) return { ok: false, refused };
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
    if (!(await within(heard, CONNECT_MS))) return { ok: false };
    return { ok: true, took: performance.now() - begun, ...(await pair(pc)) };
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

async function pair(pc) {
  const report = await pc.getStats();
  let found = null;
  report.forEach((entry) => {
    const isChosen = entry.type === "candidate-pair" && entry.state === "succeeded" && (entry.nominated || entry.selected);
    if (isChosen && !(found && found.bytesReceived > entry.bytesReceived)) found = entry;
  });
  const local = found && report.get(found.localCandidateId);
  return { through: THROUGH[local ? local.candidateType : ""] || "directly", rtt: found ? (found.currentRoundTripTime || 0) * 1000 : 0 };
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
    pc.createDataChannel("events");
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
