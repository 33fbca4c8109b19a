// How the room does: latency, sync, rates.

import { $, el } from "./page.js";

const LOUD = 0.012;
const POLL_MS = 8;
const PATIENCE_MS = 8000;
const MINUTE = 60;
const SVG_TOP_FPS = 30;

const CARDS = [
  ["sound", "First sound", "from Send to the first sound in this page"],
  ["picture", "First picture", "from Start to the first frame"],
  ["delay", "Way here", "half a round trip, buffers and decoding"],
  ["sync", "Lips to sound", "above 0: the picture is ahead"],
  ["fps", "Pictures a second", "25 is full"],
  ["rate", "Bit rate", "picture and sound"],
  ["trip", "Round trip", "to the server and back"],
  ["loss", "Lost packets", "of the last second"],
  ["freezes", "Freezes", "since Start"],
  ["path", "Connection", ""],
];
const PATHS = { webrtc: "WebRTC", socket: "TCP port" };

// Listens to the avatar's sound, to say when it begins after something was sent.
export class FirstSound {
  constructor(track, onHeard) {
    this._onHeard = onHeard;
    this._context = new AudioContext();
    this._analyser = this._context.createAnalyser();
    this._analyser.fftSize = 512;
    this._samples = new Float32Array(this._analyser.fftSize);
    this._context.createMediaStreamSource(new MediaStream([track])).connect(this._analyser);
  }

  // Only from silence: while the avatar speaks already there is nothing to measure.
  sent() {
    if (this._timer || this._isLoud()) return;
    const begun = performance.now();
    this._timer = setInterval(() => {
      const passed = performance.now() - begun;
      if (!this._isLoud() && passed < PATIENCE_MS) return;
      clearInterval(this._timer);
      this._timer = 0;
      if (passed < PATIENCE_MS) this._onHeard(passed);
    }, POLL_MS);
  }

  close() {
    clearInterval(this._timer);
    this._context.close();
  }

  _isLoud() {
    if (this._context.state === "suspended") this._context.resume().catch(() => {});
    this._analyser.getFloatTimeDomainData(this._samples);
    return this._samples.some((sample) => Math.abs(sample) > LOUD);
  }
}

export class Figures {
  constructor() {
    this._values = {};
    this._fps = [];
    this._sounds = [];
    this._cells = {};
    $("figures").replaceChildren(...CARDS.map(([name, title, about]) => {
      this._cells[name] = el("dd", {}, "–");
      return el("div", { class: "figure" }, el("dt", {}, title), this._cells[name], about ? el("div", { class: "about" }, about) : null);
    }));
    $("spark").querySelector("polyline").setAttribute("points", "");
    $("glance").replaceChildren();
  }

  firstPicture(ms) {
    this._set("picture", Math.round(ms), "ms");
  }

  firstSound(ms) {
    this._sounds.push(ms);
    const sorted = [...this._sounds].sort((a, b) => a - b);
    const middle = Math.round(sorted[Math.floor(sorted.length / 2)]);
    this._set("sound", Math.round(ms), this._sounds.length > 1 ? `ms · median ${middle}` : "ms");
    this._glance();
  }

  show(stats) {
    if (!stats) return;
    this._stats = stats;
    this._set("delay", Math.round(stats.delayMs), "ms");
    this._set("sync", stats.offsetMs === null ? "–" : signed(Math.round(stats.offsetMs)), stats.offsetMs === null ? "" : "ms");
    this._set("fps", stats.fps.toFixed(1), "");
    this._set("rate", Math.round(stats.bitrate / 1000), "kbit/s");
    this._set("trip", stats.transport === "webrtc" ? Math.round(stats.rttMs) : "–", stats.transport === "webrtc" ? "ms" : "");
    this._set("loss", (stats.loss * 100).toFixed(1), "%");
    this._set("freezes", stats.freezes, "");
    this._set("path", PATHS[stats.transport] || "–", [stats.relayed ? "by TURN" : "", stats.codec, `${stats.width}×${stats.height}`].filter(Boolean).join(" · "));
    this._draw(stats.fps);
    this._glance();
  }

  _set(name, value, unit) {
    this._cells[name].replaceChildren(String(value), unit ? el("small", {}, ` ${unit}`) : "");
  }

  _draw(fps) {
    this._fps = [...this._fps, fps].slice(-MINUTE);
    const left = MINUTE - this._fps.length;
    const points = this._fps.map((value, i) => `${left + i},${(SVG_TOP_FPS - Math.min(value, SVG_TOP_FPS)).toFixed(1)}`);
    $("spark").querySelector("polyline").setAttribute("points", points.join(" "));
  }

  _glance() {
    const stats = this._stats;
    const chips = [];
    if (this._sounds.length) chips.push(["First sound", `${Math.round(this._sounds.at(-1))} ms`]);
    if (stats) {
      chips.push(["Way here", `${Math.round(stats.delayMs)} ms`]);
      if (stats.offsetMs !== null) chips.push(["Sync", `${signed(Math.round(stats.offsetMs))} ms`]);
      chips.push(["", `${Math.round(stats.fps)} fps`]);
    }
    $("glance").replaceChildren(...chips.map(([name, value]) => el("span", { class: "chip" }, name, name ? " " : "", el("b", {}, value))));
  }
}

function signed(value) {
  return value > 0 ? `+${value}` : String(value).replace("-", "−");
}
