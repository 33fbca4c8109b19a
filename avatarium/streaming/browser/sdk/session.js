// Stays in a room: joins by WebRTC, falls back to the socket where UDP is blocked, comes back after a loss, and knows when the room is over.

import { AgoraRTCException, isFinal } from "./errors.js";
import { log } from "./logs.js";
import { getParameter } from "./parameters.js";
import { mediaSource } from "./player.js";
import { SocketTransport } from "./socket.js";
import { WhepTransport } from "./whep.js";

const TRANSPORTS = { webrtc: WhepTransport, socket: SocketTransport };
const FIRST_TRIES = 3;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const MEND_MS = 4000;
const LOOK_MS = 150;
const LAST_WORDS_MS = 400; // the event "ended" may come a moment after the connection is gone

// `on`: media(kind, source), flows(kind), event(object), message(bytes), back(), lost(), over(problem), transport(name, why)
export class Session {
  constructor({ server, channel, token, on }) {
    this._where = { server, channel };
    this._token = token;
    this._on = on;
    this._abort = new AbortController();
    this._transport = null;
    this._udpFailed = false;
    this._recovering = false;
    this._microphone = null;
  }

  get transport() {
    return this._transport ? this._transport.name : "";
  }

  get mayPublish() {
    return Boolean(this._transport && this._transport.mayPublish);
  }

  // Resolves when signalling is done. Throws what the server says, or that it is out of reach.
  async start() {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this._open(this._nextName());
        break;
      } catch (problem) {
        if (attempt >= FIRST_TRIES || isFinal(problem) || this._abort.signal.aborted || problem.code === "NOT_SUPPORTED") throw problem;
        await this._pause(PAUSES_MS[attempt - 1]);
      }
    }
    this._on.transport(this.transport, "joined");
    this._expectMedia();
  }

  // No packets come any more, whatever the connection says of itself.
  stalled() {
    this._recover("broken");
  }

  setToken(token) {
    this._token = token;
    if (this._transport) this._transport.setToken(token);
  }

  async setMicrophone(track) {
    this._microphone = track;
    const transport = this._transport;
    if (!transport) return;
    if (transport.name === "socket" && track && !transport.takesMicrophone) await this._open("socket");
    else await transport.setMicrophone(track);
  }

  read() {
    return this._transport.read();
  }

  align(figure) {
    if (this._transport && this._transport.align) this._transport.align(figure);
  }

  async close(options) {
    this._abort.abort();
    const transport = this._transport;
    this._transport = null;
    if (transport) await transport.close(options);
  }

  get _isOver() {
    return this._abort.signal.aborted;
  }

  _nextName() {
    const wanted = getParameter("TRANSPORT");
    if (wanted !== "auto") return wanted;
    const hasSocket = Boolean(mediaSource());
    if (typeof RTCPeerConnection === "undefined") return "socket";
    return this._udpFailed && hasSocket ? "socket" : "webrtc";
  }

  // The new connection takes over when its signalling is done; then the older one says goodbye, whether the room knows it still or not.
  async _open(name) {
    const options = { ...this._where, token: this._token, speaks: Boolean(this._microphone), on: {} };
    const transport = new TRANSPORTS[name](options);
    const isCurrent = () => this._transport === transport || this._opening === transport;
    transport.isConnected = new Promise((resolve) => {
      const states = { connected: resolve, broken: () => this._recover("broken"), gone: () => this._gone(transport) };
      options.on.state = (state) => isCurrent() && (transport === this._transport || state === "connected") && states[state]();
    });
    for (const event of ["media", "flows", "event", "message"]) options.on[event] = (...args) => isCurrent() && this._on[event](...args);
    const before = this._transport;
    this._opening = transport;
    try {
      if (this._microphone) await transport.setMicrophone(this._microphone);
      await transport.open(this._abort.signal);
    } catch (problem) {
      transport.close();
      throw problem;
    } finally {
      this._opening = null;
    }
    if (this._isOver) {
      transport.close();
      throw new AgoraRTCException("OPERATION_ABORTED", "Joining was stopped by leave.");
    }
    this._transport = transport;
    if (before) before.close();
  }

  async _expectMedia() {
    if (await this._connects(this._transport, getParameter("CONNECT_TIMEOUT_MS"))) return;
    if (!this._isOver) this._recover("blocked");
  }

  async _connects(transport, withinMs) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, withinMs, false);
    });
    const done = await Promise.race([transport.isConnected.then(() => true), late]);
    clearTimeout(timer);
    return done;
  }

  async _gone(transport) {
    await this._pause(LAST_WORDS_MS);
    if (this._transport === transport) this._recover("gone");
  }

  async _recover(why) {
    if (this._recovering || this._isOver) return;
    this._recovering = true;
    log(1, "The connection is being mended:", why);
    const wasJoined = why !== "blocked";
    if (wasJoined) this._on.lost();
    else if (this.transport === "webrtc") this._udpFailed = true;
    try {
      await this._tryUntilBack(why);
    } catch (problem) {
      if (!this._isOver) this._on.over(problem);
      return;
    } finally {
      this._recovering = false;
    }
    if (!this._isOver) this._on.back();
  }

  async _tryUntilBack(why) {
    for (let attempt = 0; !this._isOver; attempt += 1) {
      if (attempt) await this._pause(PAUSES_MS[Math.min(attempt, PAUSES_MS.length) - 1]);
      if (this._isOver) return;
      try {
        if (attempt === 0 && why === "broken" && (await this._mended())) return;
        if (await this._reopened()) return;
      } catch (problem) {
        if (isFinal(problem)) throw problem;
        log(1, "Another attempt:", problem);
      }
    }
  }

  async _mended() {
    const transport = this._transport;
    if (!transport || transport.name !== "webrtc") return false;
    try {
      await transport.mend(this._abort.signal);
    } catch (problem) {
      log(1, "Not mended, opened anew:", problem);
      return false;
    }
    return this._flowsAgain(transport);
  }

  // A connection that only stalled says "connected" all the while; packets do not lie.
  async _flowsAgain(transport) {
    const packets = async () => {
      const { video, audio } = await transport.read();
      return (video ? video.packets : 0) + (audio ? audio.packets : 0);
    };
    const before = await packets();
    for (const until = performance.now() + MEND_MS; performance.now() < until && !this._isOver; ) {
      await this._pause(LOOK_MS);
      if ((await packets()) > before) return true;
    }
    return false;
  }

  async _reopened() {
    const before = this.transport;
    await this._open(this._nextName());
    const now = this._transport;
    if (await this._connects(now, getParameter("CONNECT_TIMEOUT_MS"))) {
      if (now.name !== before) this._on.transport(now.name, now.name === "socket" ? "udp_blocked" : "reconnected");
      return true;
    }
    if (now.name === "webrtc") this._udpFailed = true;
    return false;
  }

  // A pause that ends early when the browser finds the network again, or the room is left.
  _pause(ms) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        window.removeEventListener("online", done);
        this._abort.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      window.addEventListener("online", done);
      this._abort.signal.addEventListener("abort", done);
    });
  }
}
