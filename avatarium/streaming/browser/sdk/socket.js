// A room over one TCP connection, for networks that let no UDP through: a WebSocket that carries fragmented MP4 and events.

import { AgoraRTCException } from "./errors.js";
import { log } from "./logs.js";
import { Microphone } from "./pcm.js";
import { mediaSource, Player } from "./player.js";

const TRACK_KINDS = ["video", "audio"];
const KEY_FLAG = 2;
const HEAD_BYTES = 8;
const ACKNOWLEDGE_MS = 200;
const OPEN_MS = 10_000;
const MICROPHONE_RATE = 16_000;
const AUDIO = { opus: 'audio/mp4; codecs="opus"', aac: 'audio/mp4; codecs="mp4a.40.2"' };
const GONE = 4000; // the server's codes are this and an HTTP status

// The same callbacks as WhepTransport.
export class SocketTransport {
  constructor({ server, channel, token, on, speaks = false }) {
    this.name = "socket";
    this.mayPublish = true;
    const address = new URL(`${server}/whep/${encodeURIComponent(channel)}/watch`);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("token", token);
    this._address = address.href;
    this._on = on;
    this._speaks = speaks;
    this._over = false;
    this._received = 0;
    this._problem = null;
    this._sizes = { video: { bytes: 0, packets: 0 }, audio: { bytes: 0, packets: 0 } };
    this._streams = null;
    this._alpha = false;
  }

  // Resolves when the room sends.
  open(signal) {
    const Source = mediaSource();
    if (!Source) return Promise.reject(new AgoraRTCException("NOT_SUPPORTED", "This browser cannot play a room over TCP. Use a current Chrome, Edge, Firefox or Safari."));
    const audio = Object.keys(AUDIO).filter((name) => Source.isTypeSupported(AUDIO[name]));
    const socket = new WebSocket(this._address);
    socket.binaryType = "arraybuffer";
    this._socket = socket;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => this._giveUp(reject, new AgoraRTCException("NETWORK_TIMEOUT", "The room did not answer in time.")), OPEN_MS);
      const abort = () => this._giveUp(reject, new AgoraRTCException("OPERATION_ABORTED", "Joining was stopped by leave."));
      signal.addEventListener("abort", abort, { once: true });
      this._settled = (problem) => {
        clearTimeout(late);
        signal.removeEventListener("abort", abort);
        if (problem) reject(problem);
        else resolve();
      };
      socket.onopen = () => socket.send(JSON.stringify({ type: "start", audio, ...(this._speaks ? { microphone: MICROPHONE_RATE } : {}) }));
      socket.onmessage = ({ data }) => (typeof data === "string" ? this._heard(data) : this._media(data));
      socket.onclose = ({ code }) => this._closed(code);
    });
  }

  async mend() {
    throw new AgoraRTCException("INVALID_OPERATION", "A socket is not mended but opened anew.");
  }

  setToken() {}

  // The rate of the microphone is said when the socket opens; one that opened without is opened anew by the client.
  async setMicrophone(track) {
    if (track && !this._speaks) throw new AgoraRTCException("INVALID_STATE", "This socket was opened without a microphone.");
    if (this._microphone) this._microphone.close();
    this._microphone = track ? new Microphone(track, MICROPHONE_RATE, (pcm) => this._socket.readyState === WebSocket.OPEN && this._socket.send(pcm)) : null;
  }

  get takesMicrophone() {
    return this._speaks;
  }

  async read() {
    const element = this._player && this._player.element;
    const shown = element && element.getVideoPlaybackQuality ? element.getVideoPlaybackQuality() : { totalVideoFrames: 0, droppedVideoFrames: 0 };
    const still = { lost: 0, codec: "", frames: 0, received: 0, dropped: 0, width: 0, height: 0, bufferS: 0, buffered: 0, processingS: 0, decodeS: 0, freezes: 0, frozenS: 0, energy: 0, level: 0, playout: 0 };
    const behindS = this._player ? this._player.behindS : 0;
    const frames = shown.totalVideoFrames - shown.droppedVideoFrames;
    const video = { ...still, ...this._sizes.video, frames, received: shown.totalVideoFrames, dropped: shown.droppedVideoFrames, codec: "H264" };
    if (element) Object.assign(video, { width: element.videoWidth, height: this._alpha ? element.videoHeight / 2 : element.videoHeight });
    return { at: performance.now(), video, audio: { ...still, ...this._sizes.audio, codec: "opus" }, rtt: 0, sent: 0, available: 0, relayed: false, behindMs: behindS * 1000 };
  }

  async close() {
    if (this._over) return;
    this._over = true;
    clearInterval(this._timer);
    if (this._microphone) this._microphone.close();
    if (this._socket) this._socket.close(1000);
    if (this._player) this._player.close();
  }

  _giveUp(reject, problem) {
    reject(problem);
    this.close();
  }

  _closed(code) {
    clearInterval(this._timer);
    const status = code > GONE ? code - GONE : 0;
    const words = this._problem ? this._problem.message : "The connection was closed before the room sent anything. A proxy may not let WebSockets through.";
    const reason = this._problem ? this._problem.code : "";
    const kind = status ? "CAN_NOT_GET_GATEWAY_SERVER" : "NETWORK_ERROR";
    if (this._settled) this._settled(new AgoraRTCException(kind, words, { status, reason }));
    if (!this._over) this._on.state("gone");
  }

  _heard(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch (problem) {
      log(2, "An event cannot be read:", problem);
      return;
    }
    if (message.type === "streams") this._begin(message);
    else if (message.type === "error") this._problem = message;
    else if (message.type === "QA") this._on.message(new TextEncoder().encode(text));
    else this._on.event(message);
  }

  async _begin(streams) {
    this._streams = streams;
    this._alpha = streams.video.alpha === "below";
    const player = new Player({ flows: () => this._flows(), broken: (problem) => this._broken(problem) });
    this._player = player;
    this._early = [];
    this._timer = setInterval(() => this._acknowledge(), ACKNOWLEDGE_MS);
    for (const kind of TRACK_KINDS) this._on.media(kind, { element: player.element, alpha: this._alpha && kind === "video" });
    player.element.play().catch((problem) => log(1, "The element waits:", problem)); // it opens its source only when it is to play
    this._settled();
    this._on.state("connected");
    try {
      await player.begin(TRACK_KINDS.map((kind) => streams[kind].mime));
    } catch (problem) {
      this._broken(problem);
      return;
    }
    const early = this._early;
    this._early = null;
    for (const data of early) this._append(data);
  }

  _media(data) {
    this._received += 1;
    const kind = TRACK_KINDS[new Uint8Array(data, 0, 1)[0]];
    if (!kind) return;
    this._sizes[kind].bytes += data.byteLength;
    this._sizes[kind].packets += 1;
    if (this._early) this._early.push(data);
    else if (this._player) this._append(data);
  }

  _append(data) {
    const head = new DataView(data);
    const isKey = (head.getUint8(1) & KEY_FLAG) !== 0;
    this._player.append(head.getUint8(0), data.slice(HEAD_BYTES), isKey ? head.getUint32(4) / 1000 : null);
  }

  _acknowledge() {
    if (this._socket.readyState === WebSocket.OPEN) this._socket.send(JSON.stringify({ type: "got", n: this._received }));
  }

  _flows() {
    for (const kind of TRACK_KINDS) this._on.flows(kind);
  }

  _broken(problem) {
    log(2, "The player failed:", problem);
    if (!this._over) this._on.state("gone");
  }
}
