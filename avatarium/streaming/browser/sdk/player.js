// Plays two growing tracks of fragmented MP4 close to their end (Media Source Extensions; ManagedMediaSource on iPhones).

const KEEP_S = 10;
const BEHIND_S = 0.2;
const HURRY_S = 0.5;
const JUMP_S = 2;
const TEND_MS = 200;
const STILL_MS = 3000;

export function mediaSource() {
  return window.MediaSource || window.ManagedMediaSource || null;
}

export class Player {
  // `on`: flows(), broken(problem)
  constructor(on) {
    this._on = on;
    this._tracks = [];
    this._started = false;
    this._seen = { at: 0, since: 0 };
    this.element = document.createElement("video");
    this.element.dataset.transport = "socket";
    this.element.muted = true;
    this.element.playsInline = true;
    this.element.disableRemotePlayback = true; // ManagedMediaSource opens only then
    const Source = mediaSource();
    this._source = new Source();
    this._address = URL.createObjectURL(this._source);
    this._opened = new Promise((resolve) => this._source.addEventListener("sourceopen", resolve, { once: true }));
    this.element.src = this._address;
    this.element.addEventListener("error", () => this._on.broken(this.element.error));
    this._timer = setInterval(() => this._tend(), TEND_MS);
  }

  async begin(mimes) {
    await this._opened;
    this._tracks = mimes.map((mime) => {
      const buffer = this._source.addSourceBuffer(mime);
      buffer.mode = "segments";
      const track = { buffer, waiting: [], keys: mime.startsWith("video") ? [] : null };
      buffer.addEventListener("updateend", () => this._feed(track));
      return track;
    });
  }

  // `keyS`: when it begins, where that is with a key frame.
  append(number, segment, keyS) {
    const track = this._tracks[number];
    if (!track) return;
    if (track.keys && keyS !== null) track.keys.push(keyS);
    track.waiting.push(segment);
    this._feed(track);
  }

  // Seconds between what is shown and the newest that is here.
  get behindS() {
    return this._started ? Math.max(this._end() - this.element.currentTime, 0) : 0;
  }

  close() {
    clearInterval(this._timer);
    this._tracks = [];
    this.element.removeAttribute("src");
    this.element.load();
    this.element.remove();
    URL.revokeObjectURL(this._address);
  }

  _feed(track) {
    if (track.buffer.updating || !track.waiting.length || this._source.readyState !== "open") return;
    try {
      track.buffer.appendBuffer(track.waiting[0]);
      track.waiting.shift();
    } catch (problem) {
      if (problem.name !== "QuotaExceededError") this._on.broken(problem);
      else this._forget(track, 2);
    }
  }

  _end() {
    const ends = this._tracks.map(({ buffer }) => (buffer.buffered.length ? buffer.buffered.end(buffer.buffered.length - 1) : 0));
    return ends.length ? Math.min(...ends) : 0;
  }

  _beginning() {
    const starts = this._tracks.map(({ buffer }) => (buffer.buffered.length ? buffer.buffered.start(buffer.buffered.length - 1) : Infinity));
    return starts.length ? Math.max(...starts) : Infinity;
  }

  _tend() {
    if (!this._tracks.length || this._source.readyState !== "open") return;
    const element = this.element;
    if (this._started) this._judge(element);
    const end = this._end();
    const from = this._beginning();
    if (!(end > from)) return;
    if (!this._started) {
      this._started = true;
      element.currentTime = Math.max(from, end - BEHIND_S);
      this._on.flows();
    }
    const behind = end - element.currentTime;
    const isStuck = element.readyState < 3 && element.currentTime < from;
    if (behind > JUMP_S || isStuck) element.currentTime = Math.max(from, end - BEHIND_S);
    element.playbackRate = behind > HURRY_S ? 1.08 : 1;
    for (const track of this._tracks) this._forget(track, KEEP_S);
  }

  // Media Source Extensions remove up to the next key frame, and everything where none follows: so never past the last.
  _forget(track, keepS) {
    const { buffer, keys } = track;
    if (buffer.updating || !buffer.buffered.length) return;
    let until = this.element.currentTime - keepS;
    if (keys) {
      const past = keys.filter((at) => at <= until);
      if (!past.length) return;
      track.keys = keys.slice(past.length - 1);
      until = past.pop() - 0.005;
    }
    if (until > buffer.buffered.start(0) + 1) buffer.remove(0, until);
  }

  // Bytes that come and are not shown are no picture.
  _judge(element) {
    const now = performance.now();
    if (element.currentTime !== this._seen.at || element.paused || document.hidden) this._seen = { at: element.currentTime, since: now };
    else if (now - this._seen.since > STILL_MS) this._on.broken(new Error("the player stands still"));
  }
}
