// Reads a session's statistics once a second and remembers the figures the SDK's getters answer with.

import { figures, quality } from "./statistics.js";

const PERIOD_MS = 1000;
const STALLED_AFTER = 3;

export class Watch {
  // `on`: tick(figure), stalled()
  constructor(session, on) {
    this._session = session;
    this._on = on;
    this._before = null;
    this._still = 0;
    this._began = performance.now();
    this._flowed = false;
    this._closed = false;
    this.figure = null;
    this._timer = setInterval(() => this._tick(), PERIOD_MS);
  }

  get seconds() {
    return (performance.now() - this._began) / 1000;
  }

  get network() {
    return quality(this.figure);
  }

  // The connection changed: counters begin anew.
  restart() {
    this._before = null;
    this._still = 0;
    this._flowed = false;
  }

  close() {
    this._closed = true;
    clearInterval(this._timer);
  }

  async _tick() {
    let reading;
    try {
      reading = await this._session.read();
    } catch {
      return; // between two connections there is nothing to read
    }
    if (this._closed) return; // left while it was read
    const before = this._before && this._before.at < reading.at ? this._before : null;
    this._before = reading;
    this.figure = { ...figures(reading, before), behindMs: reading.behindMs || 0 };
    this._judge();
    this._session.align(this.figure);
    this._on.tick(this.figure);
  }

  _judge() {
    const flows = [this.figure.video, this.figure.audio].some((part) => part && part.isFlowing);
    this._flowed ||= flows;
    this._still = flows ? 0 : this._still + 1;
    if (this._flowed && this._still === STALLED_AFTER) this._on.stalled();
  }
}

export function videoStats(figure, seconds) {
  const video = figure && figure.video;
  if (!video) return null;
  return {
    ...common(video, figure, seconds),
    codecType: video.codec,
    decodeFrameRate: Math.round(video.fps),
    receiveFrameRate: Math.round(video.receivedFps),
    renderFrameRate: Math.round(video.fps),
    receiveResolutionWidth: video.width,
    receiveResolutionHeight: video.height,
    framesDecodeCount: video.frames,
    framesDecodeFreezeTime: video.frozenS,
    decodeTime: video.decodeMs,
  };
}

export function audioStats(figure, seconds) {
  const audio = figure && figure.audio;
  if (!audio) return null;
  return { ...common(audio, figure, seconds), codecType: "opus", receiveLevel: audio.level * 32767, concealedSamples: audio.concealed };
}

function common(part, figure, seconds) {
  const delay = figure.behindMs || part.bufferMs;
  return {
    receiveBitrate: part.bitrate,
    receiveBytes: part.bytes,
    receivePackets: part.packets,
    receivePacketsLost: part.lost,
    packetLossRate: part.loss,
    currentPacketLossRate: part.loss,
    receiveDelay: delay,
    transportDelay: figure.rttMs / 2,
    end2EndDelay: figure.rttMs / 2 + delay,
    totalDuration: seconds,
    publishDuration: seconds * 1000,
    totalFreezeTime: part.frozenS,
    freezeRate: part.frozenShare,
  };
}
