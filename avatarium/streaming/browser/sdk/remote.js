// What a viewer sees and hears. A track outlives its connection: after a reconnection it goes on with new media by itself.

import { dontPlay, playElement } from "./autoplay.js";
import { Cutout } from "./cutout.js";
import { Emitter } from "./emitter.js";
import { AgoraRTCException, invalid } from "./errors.js";

const HUSH_MS = 60; // longer than what is buffered: the room falls silent with its next tick
const HUSH_MAX_MS = 400;
const FITS = ["cover", "contain", "fill"];

class RemoteTrack extends Emitter {
  // `source` is {track, element, alpha}: a MediaStreamTrack, where there is one; the element that plays it already, where there is
  // one; and whether the lower half of its pictures is the mask of the upper one.
  constructor(kind, uid, readStats) {
    super();
    this.trackMediaType = kind;
    this.isPlaying = false;
    this._uid = uid;
    this._source = null;
    this._readStats = readStats;
    this._id = `track-${kind}-${uid}-${Math.random().toString(36).slice(2, 10)}`;
  }

  getUserId() {
    return this._uid;
  }

  getTrackId() {
    return this._id;
  }

  getMediaStreamTrack() {
    const { track, element } = this._source || {};
    if (track) return track;
    const kind = this.trackMediaType;
    if (!element || !element.captureStream) return undefined;
    this._captured ||= element.captureStream();
    return this._captured.getTracks().find((captured) => captured.kind === kind);
  }

  getStats() {
    return this._readStats();
  }

  close() {
    this.stop();
  }

  _replace(source) {
    this._source = source;
    this._captured = null;
    if (this.isPlaying) this._show();
  }
}

export class RemoteVideoTrack extends RemoteTrack {
  constructor(uid, readStats) {
    super("video", uid, readStats);
    this._box = null;
    this._cutout = null;
    this._config = {};
    this._seen = false;
  }

  // Ours: whether the picture is a person without a ground, which the page shows through.
  get hasAlpha() {
    return Boolean(this._source && this._source.alpha);
  }

  // Fills `element` (or the element with that id) with the picture.
  play(element, config = {}) {
    const container = typeof element === "string" ? document.getElementById(element) : element;
    if (!(container instanceof HTMLElement)) throw invalid("play takes an element of the page, or its id.");
    if (config.fit && !FITS.includes(config.fit)) throw invalid("fit is cover, contain or fill.");
    this._config = { ...config };
    if (!this._box) this._box = boxOf(this._id);
    if (this._box.parentElement !== container) container.append(this._box);
    this.isPlaying = true;
    this._show();
  }

  stop() {
    if (this._video) dontPlay(this._video);
    this._setCutout(false);
    if (this._box) this._box.remove();
    if (this._video && !(this._source && this._source.element === this._video)) this._video.srcObject = null;
    this._box = null;
    this._video = null;
    this.isPlaying = false;
  }

  // The picture as it is now.
  getCurrentFrameData() {
    const video = this._video;
    if (!video || !video.videoWidth) throw new AgoraRTCException("INVALID_OPERATION", "There is no picture yet. Call play first.");
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = this._cutout ? video.videoHeight / 2 : video.videoHeight;
    const context = canvas.getContext("2d");
    if (this._cutout) this._cutout.paint(); // what was painted before is the page's already
    context.drawImage(this._cutout ? this._cutout.canvas : video, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }

  _show() {
    if (!this._source) return;
    const video = this._source.element || this._plainVideo();
    if (this._video && this._video !== video) this._video.remove();
    this._video = video;
    style(video, this._config);
    this._setCutout(this.hasAlpha);
    if (this._source.track && !plays(video, this._source.track)) video.srcObject = new MediaStream([this._source.track]);
    if (video.parentElement !== this._box) this._box.append(video);
    playElement(video);
    if (this._cutout) this._showCutout(video);
    else this._announceFirstFrame(video);
  }

  _setCutout(wanted) {
    if (this._cutout && !wanted) this._cutout.close();
    this._cutout = wanted ? this._cutout || new Cutout(() => this._saw()) : null;
    if (this._box) this._box.style.backgroundColor = wanted ? "transparent" : "black";
  }

  // The video stays in the page, unseen: browsers play no other.
  _showCutout(video) {
    Object.assign(video.style, { width: "1px", height: "1px", opacity: "0", pointerEvents: "none" });
    const cutout = this._cutout;
    style(cutout.canvas, this._config);
    if (cutout.canvas.parentElement !== this._box) this._box.append(cutout.canvas);
    cutout.follow(video);
    cutout.paint();
  }

  _saw() {
    if (this._seen) return;
    this._seen = true;
    this.emit("first-frame-decoded");
  }

  _plainVideo() {
    if (this._video && !this._video.dataset.transport) return this._video;
    const video = document.createElement("video");
    video.muted = true; // its sound is the audio track's
    return video;
  }

  _announceFirstFrame(video) {
    if (this._seen) return;
    const seen = () => this._saw();
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(seen);
    else video.addEventListener("playing", seen, { once: true });
  }
}

function plays(element, track) {
  return element.srcObject && element.srcObject.getTracks().includes(track);
}

function boxOf(id) {
  const box = document.createElement("div");
  box.id = `agora-video-player-${id}`;
  Object.assign(box.style, { width: "100%", height: "100%", position: "relative", overflow: "hidden", backgroundColor: "black" });
  return box;
}

// A video, or the canvas in its place.
function style(shown, config) {
  shown.className = "agora_video_player";
  if (shown instanceof HTMLVideoElement) {
    shown.playsInline = true;
    shown.setAttribute("playsinline", "");
    shown.disablePictureInPicture = true;
  }
  const shape = { width: "100%", height: "100%", position: "absolute", left: "0", top: "0", opacity: "", pointerEvents: "" };
  Object.assign(shown.style, shape, { objectFit: config.fit || "cover", transform: config.mirror ? "rotateY(180deg)" : "" });
}

export class RemoteAudioTrack extends RemoteTrack {
  constructor(uid, readStats, readLevel) {
    super("audio", uid, readStats);
    this._volume = 100;
    this._readLevel = readLevel;
    this._audio = null;
    this._hushed = 0;
  }

  // Sound needs no element. Where the browser waits for a touch of the page, AgoraRTC.onAutoplayFailed is called, and the touch starts it.
  play() {
    this.isPlaying = true;
    this._show();
  }

  stop() {
    const audio = this._audio;
    this._audio = null;
    this.isPlaying = false;
    if (!audio) return;
    dontPlay(audio);
    delete audio.dataset.wantsSound;
    audio.muted = true;
  }

  setVolume(volume) {
    if (!(volume >= 0 && volume <= 100)) throw invalid("volume is a number from 0 to 100.");
    this._volume = volume;
    this._loudness();
  }

  // Nothing is heard of what is buffered.
  _hush(bufferMs) {
    clearTimeout(this._hushed);
    this._hushed = setTimeout(() => {
      this._hushed = 0;
      this._loudness();
    }, Math.min(bufferMs + HUSH_MS, HUSH_MAX_MS));
    this._loudness();
  }

  _loudness() {
    if (this._audio) this._audio.volume = this._hushed ? 0 : this._volume / 100;
  }

  // From 0 to 1.
  getVolumeLevel() {
    return this._readLevel();
  }

  async setPlaybackDevice(deviceId) {
    if (!this._audio || !this._audio.setSinkId) {
      throw new AgoraRTCException("NOT_SUPPORTED", "This browser cannot choose a loudspeaker, or the track does not play yet.");
    }
    await this._audio.setSinkId(deviceId);
  }

  // The element plays already, without sound: a browser that wants a touch first may at least show the picture.
  _show() {
    const element = this._source && this._source.element;
    if (!element) return;
    if (this._audio && this._audio !== element) this.stop();
    this.isPlaying = true;
    this._audio = element;
    this._loudness();
    element.dataset.wantsSound = "";
    element.muted = false;
    playElement(element).then((played) => {
      if (played || this._audio !== element) return;
      element.muted = true;
      element.play().catch(() => {});
    });
  }
}
