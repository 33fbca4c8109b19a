// One conversation: books a room, joins it, and gives it back.

import AgoraRTC from "/agora-rtc.js";
import { ApiError } from "./page.js";
import { FirstSound } from "./figures.js";

const PATH = "streaming-avatar/";
const STATS_MS = 1000;
// Refusals that pass by themselves, and what is said of them where the server's sentence is none for visitors.
const WAITS = new Map([
  ["rooms_full", ""],
  ["no_stage", "The service is still starting. This page asks again by itself; it usually takes less than a minute."],
]);

export class Room {
  // `on`: event(object), picture(ms), sound(ms), stats(record), state(connection state, reason), blocked(), transport(name, why), over(words)
  constructor(api, on) {
    this._api = api;
    this._on = on;
    this.channel = "";
    this.endsMs = 0;
    this._microphone = null;
  }

  // Answers null where all rooms are taken or the service is still starting, after telling the place in line, if there is
  // one, and why by `onLine`; call again then.
  async book(request, onLine) {
    try {
      const booked = await this._api.post(`${PATH}agora-token`, request);
      this._booked = booked;
      this.channel = booked.channel;
      this.endsMs = booked.expire_epoch_timestamp * 1000;
      return booked;
    } catch (problem) {
      if (!(problem instanceof ApiError) || !WAITS.has(problem.reason)) throw problem;
      onLine(problem.data || {}, WAITS.get(problem.reason) || problem.message);
      return null;
    }
  }

  async join(player, { transport = "auto", begun = performance.now() } = {}) {
    AgoraRTC.setParameter("TRANSPORT", transport);
    AgoraRTC.onAutoplayFailed = () => this._on.blocked();
    const client = AgoraRTC.createClient({ mode: "live", codec: "h264" });
    this._client = client;
    client.on("user-published", async (user, kind) => {
      const track = await client.subscribe(user, kind);
      if (kind === "video") {
        track.on("first-frame-decoded", () => this._on.picture(performance.now() - begun));
        track.play(player, { fit: "cover" });
      } else {
        track.play();
        this._listenTo(track);
      }
    });
    client.on("avatar-event", (event) => this._heard(event));
    client.on("connection-state-change", (state, before, reason) => this._on.state(state, reason));
    client.on("transport-change", (name, why) => this._on.transport(name, why));
    const { appId, channel, token, uid } = this._booked;
    await client.setClientRole("audience");
    await client.join(appId, channel, token, uid);
    this._timer = setInterval(() => this._on.stats(client.getLiveStats()), STATS_MS);
    addEventListener("pagehide", (this._bye = () => this._leave({ keepalive: true })));
  }

  async send(how, text, manner) {
    if (this._firstSound) this._firstSound.sent();
    const wishes = how === "speak" ? Object.fromEntries(Object.entries(manner).filter(([, value]) => value)) : {};
    return this._api.post(PATH + how, { channel: this.channel, text, ...wishes });
  }

  interrupt() {
    return this._api.post(`${PATH}interrupt`, { channel: this.channel });
  }

  setContext(text) {
    return this._api.post(`${PATH}set-qa-context`, { channel: this.channel, text });
  }

  extend(seconds) {
    return this._api.post(`${PATH}extend`, { channel: this.channel, seconds });
  }

  async talk(on) {
    const client = this._client;
    if (!on) {
      await client.unpublish();
      if (this._microphone) this._microphone.close();
      this._microphone = null;
      await this._api.post(`${PATH}microphone`, { channel: this.channel, on: false });
      return;
    }
    const microphone = await AgoraRTC.createMicrophoneAudioTrack();
    try {
      await this._api.post(`${PATH}microphone`, { channel: this.channel, on: true });
      await client.setClientRole("host");
      await client.publish([microphone]);
    } catch (problem) {
      microphone.close();
      throw problem;
    }
    this._microphone = microphone;
  }

  // From 0 to 1; null while the microphone is off.
  get level() {
    return this._microphone ? this._microphone.getVolumeLevel() : null;
  }

  resumeSound() {
    this._client.remoteUsers.forEach((user) => user.audioTrack && user.audioTrack.play());
  }

  async leave() {
    await this._leave();
    return this.report();
  }

  report() {
    return this._api.get(`${PATH}session`, { channel: this.channel });
  }

  // Lets go of the browser's side; the room on the server is over already, or given back by leave.
  async close() {
    clearInterval(this._timer);
    removeEventListener("pagehide", this._bye);
    if (this._firstSound) this._firstSound.close();
    if (this._microphone) this._microphone.close();
    this._firstSound = null;
    this._microphone = null;
    if (this._client) await this._client.leave();
  }

  _heard(event) {
    if (event.type === "extended" && event.expires_ms) this.endsMs = event.expires_ms;
    this._on.event(event);
  }

  _listenTo(track) {
    const media = track.getMediaStreamTrack();
    if (!media) return;
    if (this._firstSound) this._firstSound.close();
    this._firstSound = new FirstSound(media, (ms) => this._on.sound(ms));
  }

  _leave(options) {
    return this._api.post(`${PATH}leave`, { channel: this.channel }, options);
  }
}
