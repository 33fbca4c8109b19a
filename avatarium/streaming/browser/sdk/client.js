// A viewer of one room, with the interface of the vendor's client.

import { Emitter } from "./emitter.js";
import { AgoraRTCException, invalid } from "./errors.js";
import { log } from "./logs.js";
import { getServer, setParameter } from "./parameters.js";
import { RemoteAudioTrack, RemoteVideoTrack } from "./remote.js";
import { Session } from "./session.js";
import { readToken } from "./token.js";
import { audioStats, videoStats, Watch } from "./watch.js";

export const AVATAR_UID = 1;

const KINDS = ["video", "audio"];
const WARN_S = 30;
const LEVEL_MS = 200;
const QUALITY_EVERY = 2;
const MODES = ["live", "rtc"];
const ROLES = ["host", "audience"];
// Why a room ended, as the SDK says why a connection did.
const REASONS = { left: "LEAVE", expired: "TOKEN_EXPIRE", removed: "CHANNEL_BANNED" };

export class Client extends Emitter {
  constructor({ mode = "live", codec = "vp8", role } = {}) {
    super();
    if (!MODES.includes(mode)) throw invalid("mode is live or rtc.");
    if (role && !ROLES.includes(role)) throw invalid("role is host or audience.");
    this.mode = mode;
    this.codec = codec;
    this.role = role || (mode === "live" ? "audience" : "host");
    this.uid = undefined;
    this.channelName = undefined;
    this.connectionState = "DISCONNECTED";
    this.localTracks = [];
    this._user = null;
    this._session = null;
    this._watch = null;
    this._timers = [];
    this._sawTicks = 0;
    this._goodbye = ({ persisted }) => this._pageLeaves(persisted);
  }

  get remoteUsers() {
    return this._user && this._user._isHere ? [this._user] : [];
  }

  async setClientRole(role) {
    if (!ROLES.includes(role)) throw invalid("role is host or audience.");
    if (this.mode !== "live") throw new AgoraRTCException("INVALID_OPERATION", "Roles are for clients of the mode live.");
    if (role === "audience" && this.localTracks.length) await this.unpublish();
    this.role = role;
  }

  // Resolves with the uid when signalling is done; the avatar is told by user-joined and user-published as soon as it is seen and heard.
  async join(appId, channel, token, uid) {
    checkJoin(appId, channel, token, uid);
    if (this._session) throw new AgoraRTCException("INVALID_OPERATION", "This client has joined already. Leave first.");
    this.forgetHeld();
    this._user = new RemoteUser(this);
    const session = new Session({ server: getServer(), channel, token, on: this._callbacks() });
    this._session = session;
    this._become("CONNECTING");
    try {
      const known = await readToken(token);
      await session.start();
      this.uid = uid || (known && known.uid) || 0;
      this._expectEnd(known);
    } catch (problem) {
      if (this._session === session) this._end(problem.code === "OPERATION_ABORTED" ? "LEAVE" : "SERVER_ERROR");
      throw problem;
    }
    this.channelName = channel;
    this._watch = new Watch(session, { tick: (figure) => this._tick(figure), stalled: () => session.stalled() });
    window.addEventListener("pagehide", this._goodbye);
    this._become("CONNECTED");
    setTimeout(() => this._publishWhatFlows(), 0);
    return this.uid;
  }

  async leave() {
    const session = this._session;
    if (!session) return;
    this._become("DISCONNECTING", "LEAVE");
    const goodbye = session.close();
    this._end("LEAVE");
    await goodbye;
  }

  async subscribe(user, mediaType) {
    if (!KINDS.includes(mediaType)) throw invalid('mediaType is "video" or "audio".');
    this._refuseOutside("subscribe");
    const remote = this._known(user);
    if (!remote._flows[mediaType]) {
      throw new AgoraRTCException("REMOTE_USER_IS_NOT_PUBLISHED", `The avatar sends no ${mediaType} yet. Wait for user-published.`);
    }
    return remote._subscribe(mediaType);
  }

  async unsubscribe(user, mediaType) {
    const remote = this._known(user);
    for (const kind of mediaType ? [mediaType] : KINDS) remote._unsubscribe(kind);
  }

  async massSubscribe(list) {
    return Promise.all(list.map(async ({ user, mediaType }) => ({ user, mediaType, track: await this.subscribe(user, mediaType) })));
  }

  async massUnsubscribe(list) {
    await Promise.all(list.map(({ user, mediaType }) => this.unsubscribe(user, mediaType)));
  }

  // The microphone. Whether the room hears it was said when it was booked.
  async publish(tracks) {
    const [track] = [tracks].flat();
    this._refuseOutside("publish");
    if (!track || track.trackMediaType !== "audio") throw invalid("A viewer publishes one audio track, made by createMicrophoneAudioTrack.");
    if (this.mode === "live" && this.role !== "host") throw new AgoraRTCException("INVALID_OPERATION", 'An audience cannot publish. Call setClientRole("host") first.');
    if (this.localTracks.length) throw new AgoraRTCException("CAN_NOT_PUBLISH_MULTIPLE_AUDIO_TRACKS", "One audio track is published already.");
    if (!this._session.mayPublish) throw new AgoraRTCException("INVALID_OPERATION", 'This room takes no microphone. Book it with "microphone": true.');
    this.localTracks = [track];
    track._changed = () => this._session && this._session.setMicrophone(track.enabled ? track.getMediaStreamTrack() : null);
    await track._changed();
  }

  async unpublish(tracks) {
    const wanted = tracks ? [tracks].flat() : this.localTracks;
    if (!this.localTracks.some((track) => wanted.includes(track))) return;
    for (const track of this.localTracks) track._changed = () => {};
    this.localTracks = [];
    if (this._session) await this._session.setMicrophone(null);
  }

  async renewToken(token) {
    if (typeof token !== "string" || !token) throw invalid("token is the text that agora-token answered with.");
    this._refuseOutside("renewToken");
    this._session.setToken(token);
    this._expectEnd(await readToken(token));
  }

  // Ours: what the room tells, by the event avatar-event; and which transport carries it.
  get transport() {
    return this._session ? this._session.transport : "";
  }

  // Ours: one flat record for a display; null before the first second is over.
  getLiveStats() {
    const figure = this._watch && this._watch.figure;
    if (!figure || !figure.video) return null;
    const { video, audio } = figure;
    const wait = figure.behindMs || video.bufferMs;
    return {
      transport: this.transport, relayed: figure.relayed, codec: video.codec, fps: video.fps, width: video.width, height: video.height,
      bitrate: video.bitrate + (audio ? audio.bitrate : 0), rttMs: figure.rttMs, loss: video.loss, freezes: video.freezes, frozenS: video.frozenS,
      videoBufferMs: video.bufferMs, audioBufferMs: audio ? audio.bufferMs : 0, decodeMs: video.decodeMs, offsetMs: figure.offsetMs,
      delayMs: figure.rttMs / 2 + wait + video.decodeMs, quality: this._watch.network,
    };
  }

  getRTCStats() {
    const figure = this._watch && this._watch.figure;
    const parts = figure ? [figure.video, figure.audio].filter(Boolean) : [];
    const sum = (name) => parts.reduce((total, part) => total + part[name], 0);
    return {
      Duration: this._watch ? Math.round(this._watch.seconds) : 0, RecvBitrate: sum("bitrate"), RecvBytes: sum("bytes"), UserCount: 1 + this.remoteUsers.length,
      SendBitrate: figure ? figure.sendBitrate : 0, SendBytes: 0, RTT: figure ? figure.rttMs : 0, OutgoingAvailableBandwidth: figure ? figure.available / 1000 : 0,
    };
  }

  getRemoteVideoStats() {
    return this._perUser(videoStats);
  }

  getRemoteAudioStats() {
    return this._perUser(audioStats);
  }

  getRemoteNetworkQuality() {
    return this.remoteUsers.length ? { [AVATAR_UID]: { uplinkNetworkQuality: 0, downlinkNetworkQuality: this._watch ? this._watch.network : 0 } } : {};
  }

  getLocalAudioStats() {
    const [track] = this.localTracks;
    const figure = this._watch && this._watch.figure;
    return { codecType: "opus", sendBitrate: figure ? figure.sendBitrate : 0, sendVolumeLevel: track ? track.getVolumeLevel() * 32767 : 0 };
  }

  getLocalVideoStats() {
    return {};
  }

  enableAudioVolumeIndicator() {
    clearInterval(this._levels);
    this._levels = setInterval(() => this._tellLevels(), LEVEL_MS);
  }

  // A proxy, in the SDK's words, is here the transport that needs one TCP port only.
  startProxyServer() {
    setParameter("TRANSPORT", "socket");
  }

  stopProxyServer() {
    setParameter("TRANSPORT", "auto");
  }

  // A room has one stream of one size, that is plain and adapts by itself: accepted, without effect.
  async enableDualStream() {}
  async disableDualStream() {}
  async setStreamFallbackOption() {}
  async setRemoteVideoStreamType() {}
  setLowStreamParameter() {}
  setEncryptionConfig() {}

  _callbacks() {
    const session = () => this._session;
    return {
      media: (kind, source) => this._user && this._user._replace(kind, source),
      flows: (kind) => this._flows(kind),
      event: (event) => this._heard(event),
      message: (bytes) => this.emit("stream-message", AVATAR_UID, bytes),
      lost: () => this._become("RECONNECTING", "NETWORK_ERROR"),
      back: () => {
        if (this._watch) this._watch.restart();
        this._become("CONNECTED");
      },
      over: (problem) => session() && this._roomOver("SERVER_ERROR", problem),
      transport: (name, why) => this._transportIs(name, why),
    };
  }

  _transportIs(name, why) {
    if (this._watch) this._watch.restart();
    log(1, `The room comes by ${name} (${why}).`);
    this.emitWhenHeard("transport-change", name, why);
    if (why === "udp_blocked") this.emit("join-fallback-to-proxy", getServer());
  }

  _flows(kind) {
    if (!this._user || this._user._flows[kind]) return;
    this._user._flows[kind] = true;
    if (this.channelName) this._publishWhatFlows();
  }

  // Only after join has resolved, as the SDK does, and not lost where the page attaches its handler later still.
  _publishWhatFlows() {
    const user = this._user;
    if (!user) return;
    for (const kind of KINDS.filter((name) => user._flows[name] && !user._told[name])) {
      user._told[kind] = true;
      if (!user._isHere) {
        user._isHere = true;
        this.emitWhenHeard("user-joined", user);
      }
      this.emitWhenHeard("user-published", user, kind);
    }
  }

  _heard(event) {
    if (event.type === "interrupted") this._hush();
    this.emitWhenHeard("avatar-event", event);
    if (event.type === "extended" && event.expires_ms) this._expectEnd({ endsS: event.expires_ms / 1000 });
    if (event.type === "ended") this._roomOver(REASONS[event.reason] || "SERVER_ERROR", null, event);
  }

  // The room is silent, and what it said before still waits in the browser's buffer.
  _hush() {
    const track = this._user && this._user.audioTrack;
    const figure = this._watch && this._watch.figure;
    if (track) track._hush((figure && (figure.behindMs || (figure.audio && figure.audio.bufferMs))) || 0);
  }

  _roomOver(reason, problem, event) {
    const session = this._session;
    if (!session) return;
    session.close({ silent: true });
    const user = this._user;
    const words = (event && event.why) || (problem && problem.message) || "";
    this._end(reason, () => {
      if (!user || !user._isHere) return;
      for (const kind of KINDS.filter((name) => user._told[name])) this.emit("user-unpublished", user, kind);
      this.emit("user-left", user, "Quit");
    });
    if (words) log(1, `The room is over: ${words}`);
  }

  _end(reason, farewell = () => {}) {
    const user = this._user;
    window.removeEventListener("pagehide", this._goodbye);
    if (this._watch) this._watch.close();
    for (const timer of this._timers) clearTimeout(timer);
    for (const track of this.localTracks) track._changed = () => {};
    clearInterval(this._levels);
    this.localTracks = [];
    this._session = null;
    this._watch = null;
    this._timers = [];
    this.forgetHeld();
    if (user) user._flows = {};
    farewell();
    this._user = null;
    for (const kind of KINDS) if (user) user._unsubscribe(kind);
    this.channelName = undefined;
    this._become("DISCONNECTED", reason);
    this.uid = undefined;
  }

  _become(state, reason) {
    const before = this.connectionState;
    if (state === before) return;
    this.connectionState = state;
    this.emit("connection-state-change", state, before, reason);
  }

  _expectEnd(known) {
    for (const timer of this._timers) clearTimeout(timer);
    this._timers = [];
    if (!known) return;
    const left = known.endsS * 1000 - Date.now();
    if (left <= 0 || left > 2 ** 31 - 1) return;
    this._timers.push(setTimeout(() => this.emit("token-privilege-will-expire"), Math.max(left - WARN_S * 1000, 0)));
    this._timers.push(setTimeout(() => this.emit("token-privilege-did-expire"), left));
  }

  _tick(figure) {
    this._sawTicks += 1;
    const network = this._watch.network;
    if (this._sawTicks % QUALITY_EVERY === 0) this.emit("network-quality", { uplinkNetworkQuality: network, downlinkNetworkQuality: network });
    this._complain(figure);
  }

  // Received but not shown is what the SDK calls an exception; it tells the end of one too.
  _complain({ video }) {
    const bad = Boolean(video && video.receivedFps > 5 && video.fps < 1);
    if (bad === Boolean(this._complained)) return;
    this._complained = bad;
    const [code, msg] = bad ? [1005, "RECV_VIDEO_DECODE_FAILED"] : [3005, "RECV_VIDEO_DECODE_FAILED_RECOVER"];
    this.emit("exception", { code, msg, uid: AVATAR_UID });
  }

  _tellLevels() {
    const remote = this.remoteUsers.filter((user) => user.audioTrack).map((user) => ({ uid: user.uid, level: user.audioTrack.getVolumeLevel() * 100 }));
    const local = this.localTracks.map((track) => ({ uid: this.uid, level: track.getVolumeLevel() * 100 }));
    if (remote.length || local.length) this.emit("volume-indicator", [...local, ...remote]);
  }

  _perUser(stats) {
    const found = this._watch && this.remoteUsers.length && stats(this._watch.figure, this._watch.seconds);
    return found ? { [AVATAR_UID]: found } : {};
  }

  _known(user) {
    const uid = user && typeof user === "object" ? user.uid : user;
    if (!this._user || Number(uid) !== AVATAR_UID) throw new AgoraRTCException("INVALID_REMOTE_USER", "This user is not in the room.");
    return this._user;
  }

  _refuseOutside(what) {
    if (!this.channelName) throw new AgoraRTCException("INVALID_OPERATION", `Join before you call ${what}.`);
  }

  // A page in the browser's cache comes back as it was, without its connections: then the room is joined anew.
  _pageLeaves(persisted) {
    if (!this._session) return;
    if (persisted) window.addEventListener("pageshow", () => this._session && this._session.stalled(), { once: true });
    else this.leave();
  }
}

class RemoteUser {
  constructor(client) {
    this.uid = AVATAR_UID;
    this.hasVideo = false;
    this.hasAudio = false;
    this.videoTrack = undefined;
    this.audioTrack = undefined;
    for (const [name, value] of Object.entries({ _flows: {}, _told: {}, _sources: {}, _isHere: false, _client: client })) {
      Object.defineProperty(this, name, { value, writable: true, enumerable: false });
    }
  }

  _replace(kind, source) {
    this._sources[kind] = source;
    const track = this[`${kind}Track`];
    if (track) track._replace(source);
    if (kind === "video") this.hasVideo = true;
    else this.hasAudio = true;
  }

  _subscribe(kind) {
    const name = `${kind}Track`;
    if (!this[name]) {
      this[name] = kind === "video" ? new RemoteVideoTrack(this.uid, () => this._stats("getRemoteVideoStats")) : new RemoteAudioTrack(this.uid, () => this._stats("getRemoteAudioStats"), () => this._level());
      this[name]._replace(this._sources[kind]);
    }
    return this[name];
  }

  _unsubscribe(kind) {
    const track = this[`${kind}Track`];
    if (track) track.stop();
    this[`${kind}Track`] = undefined;
  }

  _stats(getter) {
    return this._client[getter]()[this.uid] || {};
  }

  _level() {
    const figure = this._client._watch && this._client._watch.figure;
    return figure && figure.audio ? figure.audio.level : 0;
  }
}

function checkJoin(appId, channel, token, uid) {
  if (typeof appId !== "string" || !appId) throw invalid("appId is the text that agora-token answered with.");
  if (typeof channel !== "string" || !/^[\w !#$%&()+\-:;<=.>?@[\]^{}|~,]{1,64}$/.test(channel)) throw invalid("channel is the text that agora-token answered with.");
  if (typeof token !== "string" || !token) throw invalid("token is the text that agora-token answered with; rooms are never open.");
  const isUid = uid === null || uid === undefined || (Number.isInteger(uid) && uid >= 0 && uid < 2 ** 32) || (typeof uid === "string" && uid.length <= 255);
  if (!isUid) throw invalid("uid is the number that agora-token answered with.");
}
