// A viewer that measures: plain WHEP and the browser's own clocks, none of our client code.
// All times are milliseconds of performance.now(): of pictures when they are shown, of sound when it is heard.

const LEVELS = `registerProcessor("levels", class extends AudioWorkletProcessor {
  process([[samples]]) {
    if (samples) {
      let power = 0, peak = 0;
      for (const value of samples) { power += value * value; peak = Math.max(peak, Math.abs(value)); }
      this.port.postMessage([currentTime, Math.sqrt(power / samples.length), peak]);
    }
    return true;
  }
});`;
const KEPT = 400000;

class Meter {
  constructor() {
    this.video = document.getElementById("video");
    this.pictures = []; // [shown, value]: value is the mean brightness of the box that is watched
    this.sounds = []; // [heard, rms, peak]
    this.events = []; // [arrived, event]
    this.box = null;
    this.canvas = new OffscreenCanvas(48, 32);
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  async join(url, token, { channels = true } = {}) {
    const peer = (this.peer = new RTCPeerConnection());
    const stream = new MediaStream();
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addTransceiver("audio", { direction: "recvonly" });
    if (channels) this.hearEvents(peer.createDataChannel("events"));
    peer.ontrack = ({ track }) => stream.addTrack(track);
    this.first = new Promise((shown) => this.video.requestVideoFrameCallback(shown));
    this.video.srcObject = stream;
    await peer.setLocalDescription();
    await gathered(peer, 500);
    const asked = performance.now();
    const answer = await fetch(url, {
      method: "POST", body: peer.localDescription.sdp,
      headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` },
    });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    this.place = new URL(answer.headers.get("Location"), url).href;
    this.token = token;
    const answered = performance.now();
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    await this.first;
    const shown = performance.now();
    await this.listen(stream);
    this.watch();
    return { answer_ms: answered - asked, picture_ms: shown - asked };
  }

  hearEvents(channel) {
    channel.onmessage = ({ data }) => this.events.push([performance.now(), JSON.parse(data)]);
  }

  async listen(stream) {
    this.context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
    await this.context.audioWorklet.addModule(URL.createObjectURL(new Blob([LEVELS], { type: "text/javascript" })));
    const node = new AudioWorkletNode(this.context, "levels");
    this.context.createMediaStreamSource(stream).connect(node).connect(this.context.destination);
    node.port.onmessage = ({ data: [at, rms, peak] }) => {
      const { contextTime, performanceTime } = this.context.getOutputTimestamp();
      if (performanceTime && this.sounds.length < KEPT) {
        this.sounds.push([performanceTime + (at - contextTime) * 1000, rms, peak]);
      }
    };
  }

  watch() {
    const look = (now, facts) => {
      if (this.pictures.length < KEPT) this.pictures.push([facts.expectedDisplayTime, this.look()]);
      this.video.requestVideoFrameCallback(look);
    };
    this.video.requestVideoFrameCallback(look);
  }

  look() {
    if (!this.box) return 0;
    const [left, top, width, height] = this.box;
    this.pen.drawImage(this.video, left, top, width, height, 0, 0, 48, 32);
    const pixels = this.pen.getImageData(0, 0, 48, 32).data;
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 4) sum += 0.3 * pixels[i] + 0.59 * pixels[i + 1] + 0.11 * pixels[i + 2];
    return sum / (pixels.length / 4);
  }

  // First moment after `from` at which the sound is louder than `level`, and stays so for three blocks.
  heardAfter(from, level = 0.01) {
    const found = this.sounds.find(([at, rms], i) =>
      at >= from && rms > level && (this.sounds[i + 2]?.[1] ?? 0) > level / 2);
    return found ? found[0] : null;
  }

  // End of the last sound louder than `level`.
  lastHeard(level = 0.01) {
    for (let i = this.sounds.length - 1; i >= 0; i--) if (this.sounds[i][1] > level) return this.sounds[i][0];
    return null;
  }

  forget() {
    this.pictures.length = this.sounds.length = this.events.length = 0;
  }

  async stats() {
    const found = {};
    for (const report of (await this.peer.getStats()).values()) {
      if (report.type === "inbound-rtp") found[report.kind] = report;
      if (report.type === "codec" && report.mimeType.startsWith("video")) found.codec = report.mimeType;
    }
    return found;
  }

  async leave() {
    this.peer?.close();
    await this.context?.close();
    if (this.place) {
      await fetch(this.place, { method: "DELETE", headers: { Authorization: `Bearer ${this.token}` } });
    }
  }
}

function gathered(peer, limit) {
  if (peer.iceGatheringState === "complete") return null;
  return new Promise((done) => {
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && done());
    setTimeout(done, limit);
  });
}

window.Meter = Meter;
window.meter = new Meter();
window.renew = () => (window.meter = new Meter());
