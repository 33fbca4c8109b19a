// The visitor's microphone.

import { Emitter } from "./emitter.js";
import { AgoraRTCException, invalid, mediaError } from "./errors.js";

function constraintsOf(config) {
  const wanted = { echoCancellation: config.AEC ?? true, noiseSuppression: config.ANS ?? true, autoGainControl: config.AGC ?? true, channelCount: 1 };
  if (config.microphoneId) wanted.deviceId = { exact: config.microphoneId };
  return wanted;
}

async function openMicrophone(config) {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    throw new AgoraRTCException("WEB_SECURITY_RESTRICT", "Browsers give the microphone to pages over https only. Open this page over https, or on localhost.");
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: constraintsOf(config) });
    return stream.getAudioTracks()[0];
  } catch (problem) {
    throw mediaError(problem);
  }
}

export class LocalAudioTrack extends Emitter {
  constructor(track, config, reopen) {
    super();
    this.trackMediaType = "audio";
    this.enabled = true;
    this.muted = false;
    this.isPlaying = false;
    this._config = config;
    this._reopen = reopen; // null where the track was given to us
    this._volume = 100;
    this._closed = false;
    this._id = `track-mic-${Math.random().toString(36).slice(2, 10)}`;
    this._changed = () => {};
    this._use(track);
  }

  getTrackId() {
    return this._id;
  }

  getTrackLabel() {
    return this._raw ? this._raw.label : "";
  }

  // What is sent: the microphone, or what setVolume makes of it.
  getMediaStreamTrack() {
    return this._graph ? this._graph.out.stream.getAudioTracks()[0] : this._raw;
  }

  // Lets go of the microphone (false) or takes it again (true).
  async setEnabled(enabled) {
    this._refuseClosed();
    if (enabled === this.enabled) return;
    if (enabled && this._reopen) this._use(await this._reopen());
    else if (enabled) this._raw.enabled = !this.muted;
    this.enabled = enabled;
    if (!enabled) this._letGo();
    await this._changed();
  }

  // Sends silence, and keeps the microphone.
  async setMuted(muted) {
    this._refuseClosed();
    this.muted = muted;
    if (this._raw) this._raw.enabled = !muted;
  }

  // 100 is the sound as it is.
  setVolume(volume) {
    this._refuseClosed();
    if (!(volume >= 0 && volume <= 1000)) throw invalid("volume is a number from 0 to 1000.");
    this._volume = volume;
    if (volume !== 100 && !this._graph) this._build();
    if (this._graph) this._graph.gain.gain.value = volume / 100;
    this._changed();
  }

  // From 0 to 1.
  getVolumeLevel() {
    if (!this._raw || !this.enabled) return 0;
    if (!this._meter) this._meter = meterOf(this._raw);
    return this._meter.level();
  }

  async setDevice(deviceId) {
    this._refuseClosed();
    if (!this._reopen) throw new AgoraRTCException("INVALID_OPERATION", "A custom track has no device to choose.");
    this._config.microphoneId = deviceId;
    if (!this.enabled) return;
    this._letGo();
    this._use(await this._reopen());
    await this._changed();
  }

  play() {
    this._refuseClosed();
    this._audio ||= document.createElement("audio");
    this._audio.srcObject = new MediaStream([this.getMediaStreamTrack()]);
    this._audio.play().catch(() => {});
    this.isPlaying = true;
  }

  stop() {
    if (this._audio) this._audio.srcObject = null;
    this._audio = null;
    this.isPlaying = false;
  }

  getStats() {
    return { sendVolumeLevel: this.getVolumeLevel(), codecType: "opus" };
  }

  close() {
    if (this._closed) return;
    this.stop();
    this._letGo();
    if (this._raw) this._raw.stop();
    this._closed = true;
    this.enabled = false;
    this._changed();
  }

  _refuseClosed() {
    if (this._closed) throw new AgoraRTCException("TRACK_IS_INVALID", "This track was closed. Make a new one with createMicrophoneAudioTrack.");
  }

  _use(track) {
    this._raw = track;
    track.enabled = !this.muted;
    track.addEventListener("ended", () => this._raw === track && !this._closed && this.emit("track-ended"));
    if (this._volume !== 100) this._build();
  }

  _letGo() {
    if (this._meter) this._meter.close();
    if (this._graph) this._graph.context.close();
    this._meter = null;
    this._graph = null;
    if (this._reopen && this._raw) this._raw.stop();
    else if (this._raw) this._raw.enabled = false;
  }

  _build() {
    const context = new AudioContext();
    const gain = context.createGain();
    const out = context.createMediaStreamDestination();
    gain.gain.value = this._volume / 100;
    context.createMediaStreamSource(new MediaStream([this._raw])).connect(gain).connect(out);
    this._graph = { context, gain, out };
  }
}

function meterOf(track) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const level = () => {
    if (context.state === "suspended") context.resume().catch(() => {});
    analyser.getFloatTimeDomainData(samples);
    return Math.min(1, Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length) * 3);
  };
  return { level, close: () => context.close() };
}

export async function createMicrophoneAudioTrack(config = {}) {
  const kept = { ...config };
  return new LocalAudioTrack(await openMicrophone(kept), kept, () => openMicrophone(kept));
}

// Sound of the page's own: a file, a synthesiser, another call.
export function createCustomAudioTrack({ mediaStreamTrack } = {}) {
  if (!(mediaStreamTrack instanceof MediaStreamTrack) || mediaStreamTrack.kind !== "audio") throw invalid("mediaStreamTrack is an audio MediaStreamTrack.");
  return new LocalAudioTrack(mediaStreamTrack, {}, null);
}
