// One WebRTC connection to a room: WHEP (POST an offer, PATCH for ICE, DELETE to go), media, and the two data channels.

import { AgoraRTCException, isFinal, refusal } from "./errors.js";
import { log } from "./logs.js";
import { getParameter } from "./parameters.js";
import { fragment, iceOf, iceServersOf, orderedCodecs, withNewIce } from "./sdp.js";
import { readPeer } from "./statistics.js";

const GRACE_MS = 1500; // a connection may be gone for so long before it is mended
const TRICKLE_MS = 200;
const GOODBYE_MS = 1000; // said first, so that the server does not take the end of the media for a loss
const ALIGNED_MS = 15;
const ALIGN_SHARE = 0.8;
const SHOWING_MS = 10; // which Chromium counts as part of that wait
const HOLD_MAX_MS = 400;
const REQUEST_MS = 10_000;
const FRAGMENT = "application/trickle-ice-sdpfrag";
const HAS_ALPHA = /^a=x-alpha:below\s*$/m; // in an answer: the lower half of the picture is the mask of the upper one

// At least so long a packet waits before it is played.
function holdBack(receiver, ms) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = ms;
  else if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = ms / 1000;
}

// `on` are callbacks: media(kind, source), flows(kind), event(object), message(bytes), state("connected" | "broken" | "gone").
export class WhepTransport {
  constructor({ server, channel, token, on }) {
    this.name = "webrtc";
    this._address = `${server}/whep/${encodeURIComponent(channel)}`;
    this._token = token;
    this._on = on;
    this._resource = "";
    this._etag = "";
    this._candidates = [];
    this._trickles = true;
    this._over = false;
    this._mayPublish = true;
    this._alpha = false;
  }

  // Resolves when signalling is done; media follows.
  async open(signal) {
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this._pc = pc;
    pc.ontrack = ({ track, receiver }) => this._receive(track, receiver);
    pc.onconnectionstatechange = () => this._follow(pc.connectionState);
    pc.onicecandidate = ({ candidate }) => this._trickle(candidate);
    this._audio = pc.addTransceiver("audio", { direction: "sendrecv" });
    const video = pc.addTransceiver("video", { direction: "recvonly" });
    const codecs = orderedCodecs(getParameter("VIDEO_CODEC"));
    if (codecs.length && video.setCodecPreferences) video.setCodecPreferences(codecs);
    this._openChannels(pc);
    const offer = await pc.createOffer();
    const response = await this._post(offer.sdp, signal);
    const answer = await response.text();
    this._alpha = HAS_ALPHA.test(answer);
    this._keepResource(response);
    if (signal.aborted || this._over) throw new AgoraRTCException("OPERATION_ABORTED", "Joining was stopped by leave.");
    // Candidates are gathered from here on, so that the servers that came with the answer are asked too.
    const iceServers = iceServersOf(response.headers.get("Link"));
    if (iceServers.length) pc.setConfiguration({ bundlePolicy: "max-bundle", iceServers });
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
    this._mayPublish = ["sendrecv", "sendonly"].includes(this._audio.currentDirection);
    if (this._microphone) await this.setMicrophone(this._microphone);
  }

  get mayPublish() {
    return this._mayPublish;
  }

  // The same connection over another path. Throws where the server wants a new POST.
  async mend(signal) {
    const pc = this._pc;
    const offer = await pc.createOffer({ iceRestart: true });
    this._trickles = true;
    const response = await this._fetch(this._resource, { method: "PATCH", body: fragment(offer.sdp, []), type: FRAGMENT, match: "*" }, signal);
    if (response.status !== 200) throw await refusal(response);
    const part = await response.text();
    if (!iceOf(part).ufrag) throw new AgoraRTCException("UNEXPECTED_RESPONSE", "The server's answer to an ICE restart has no credentials.");
    this._etag = response.headers.get("ETag") || this._etag;
    const answer = pc.remoteDescription.sdp;
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: "answer", sdp: withNewIce(answer, part) });
  }

  async setMicrophone(track) {
    this._microphone = track;
    if (this._audio) await this._audio.sender.replaceTrack(track);
  }

  // The newest token; what is asked from here on carries it.
  setToken(token) {
    this._token = token;
  }

  async read() {
    const reading = await readPeer(this._pc);
    if (this._alpha && reading.video) reading.video.height /= 2;
    return reading;
  }

  // Browsers bring picture and sound together by themselves, but take ten seconds for it after each hiccup of the network. Told
  // how long the picture is to wait for the sound, they do it in one or two.
  align({ offsetMs, video }) {
    if (offsetMs === null || !this._picture || Math.abs(offsetMs) < ALIGNED_MS) return;
    holdBack(this._picture, Math.min(Math.max(video.bufferMs + SHOWING_MS + offsetMs * ALIGN_SHARE, getParameter("JITTER_TARGET_MS")), HOLD_MAX_MS));
  }

  // A room that is over needs no goodbye.
  close({ silent = false } = {}) {
    if (this._over) return Promise.resolve();
    this._over = true;
    if (silent) this._resource = "";
    clearTimeout(this._grace);
    clearTimeout(this._batch);
    const pc = this._pc;
    if (pc) for (const name of ["ontrack", "onconnectionstatechange", "onicecandidate"]) pc[name] = null;
    if (this._sound) this._sound.srcObject = null;
    const goodbye = this._goodbye();
    if (pc) Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, GOODBYE_MS))]).then(() => pc.close());
    return goodbye;
  }

  // A page that is being left has no time to wait: `keepalive` lets the browser finish this alone.
  _goodbye() {
    if (!this._resource) return Promise.resolve();
    const headers = { Authorization: `Bearer ${this._token}` };
    return fetch(this._resource, { method: "DELETE", headers, keepalive: true }).then(() => {}, (problem) => log(1, "No goodbye:", problem));
  }

  async _post(sdp, signal) {
    const response = await this._fetch(this._address, { method: "POST", body: sdp, type: "application/sdp" }, signal);
    if (response.status !== 201) throw await refusal(response);
    return response;
  }

  _keepResource(response) {
    const location = response.headers.get("Location");
    if (!location) {
      throw new AgoraRTCException("UNEXPECTED_RESPONSE", "The server's answer names no Location. Another proxy may hide that header: let it expose Location.");
    }
    this._resource = new URL(location, this._address).href;
    this._etag = response.headers.get("ETag") || "";
    if (this._over) this._goodbye();
  }

  async _fetch(address, { method, body, type, match = "" }, signal) {
    const headers = { Authorization: `Bearer ${this._token}`, "Content-Type": type };
    if (match) headers["If-Match"] = match;
    const limit = AbortSignal.timeout ? [AbortSignal.timeout(REQUEST_MS)] : [];
    const both = AbortSignal.any ? AbortSignal.any([signal, ...limit]) : signal;
    try {
      return await fetch(address, { method, headers, body, signal: both });
    } catch (problem) {
      if (signal.aborted) throw new AgoraRTCException("OPERATION_ABORTED", "Joining was stopped by leave.");
      if (problem.name === "TimeoutError") throw new AgoraRTCException("NETWORK_TIMEOUT", "The server did not answer in time. Check the connection and try again.");
      throw new AgoraRTCException("NETWORK_ERROR", `The server cannot be reached at ${new URL(address).origin}. Check the connection and the address.`);
    }
  }

  _openChannels(pc) {
    const events = pc.createDataChannel("events");
    events.onmessage = ({ data }) => this._heardEvent(data);
    events.onclose = () => this._over || this._on.state("gone");
    const messages = pc.createDataChannel("stream-message");
    messages.binaryType = "arraybuffer";
    messages.onmessage = ({ data }) => this._on.message(typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data));
  }

  _heardEvent(data) {
    try {
      this._on.event(JSON.parse(typeof data === "string" ? data : new TextDecoder().decode(data)));
    } catch (problem) {
      log(2, "An event cannot be read:", problem);
    }
  }

  _receive(track, receiver) {
    holdBack(receiver, getParameter("JITTER_TARGET_MS"));
    const isPicture = track.kind === "video";
    if (isPicture) this._picture = receiver;
    this._on.media(track.kind, { track, element: isPicture ? null : this._earlySound(track), alpha: isPicture && this._alpha });
    if (!track.muted) this._on.flows(track.kind);
    track.onunmute = () => this._over || this._on.flows(track.kind);
  }

  // A loudspeaker takes a moment to open, and what comes meanwhile would be heard that much later for seconds. So it is opened
  // before the first packet, silently.
  _earlySound(track) {
    const audio = document.createElement("audio");
    audio.hidden = true;
    audio.muted = true;
    audio.srcObject = new MediaStream([track]);
    audio.play().catch((problem) => log(1, "Sound waits:", problem));
    this._sound = audio;
    return audio;
  }

  _follow(state) {
    clearTimeout(this._grace);
    if (this._over) return;
    if (state === "connected") this._on.state("connected");
    else if (state === "failed") this._on.state("broken");
    else if (state === "closed") this._on.state("gone");
    else if (state === "disconnected") this._grace = setTimeout(() => this._on.state("broken"), GRACE_MS);
  }

  // Candidates in one PATCH; names that only this network can resolve are of no use to the server.
  _trickle(candidate) {
    if (candidate && candidate.candidate && !/\.local\s/.test(candidate.candidate)) this._candidates.push(candidate);
    clearTimeout(this._batch);
    if (this._over || !this._trickles) return;
    this._batch = setTimeout(() => this._sendCandidates(!candidate), candidate ? TRICKLE_MS : 0);
  }

  async _sendCandidates(done) {
    const waiting = this._candidates.splice(0);
    if (!waiting.length || this._over || this._pc.connectionState === "connected") return;
    const body = fragment(this._pc.localDescription.sdp, waiting, { done });
    try {
      const response = await this._fetch(this._resource, { method: "PATCH", body, type: FRAGMENT, match: this._etag }, new AbortController().signal);
      if (!response.ok) this._trickles = false;
    } catch (problem) {
      if (isFinal(problem)) this._trickles = false;
      log(1, "Candidates were not sent:", problem);
    }
  }
}
