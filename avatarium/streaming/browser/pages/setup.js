// Before a room: whose face, which voice, for how long.

import { $, el, remember, remembered, toast } from "./page.js";
import { voiceList } from "./voices.js";

export const EMOTIONS = { neutral: "Calm", happy: "Happy", serious: "Serious", surprised: "Surprised", sad: "Sad" };
export const GESTURES = { nod: "Nod", shake: "Shake the head", tilt: "Tilt the head", brows: "Raise the brows", look_away: "Look away, thinking", lean_in: "Lean in" };

export function fillChoices(select, choices, first) {
  if (first) select.append(el("option", { value: "" }, first));
  for (const [value, label] of Object.entries(choices)) select.append(el("option", { value }, label));
}

function languageName(code) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code) || code;
  } catch {
    return code;
  }
}

export class Setup {
  constructor(api, facts) {
    this._api = api;
    this._facts = facts;
    this._avatars = [];
    this._voices = [];
    this._own = [];
    this._list = voiceList();
    this.avatar = null;
    fillChoices($("mood"), EMOTIONS);
    $("language").addEventListener("change", () => this._showVoices());
    $("length").addEventListener("change", () => this._showCost());
    $("shape").addEventListener("change", () => this._showShape());
    $("transparent").addEventListener("change", () => { $("ground").disabled = $("transparent").checked; });
    $("context").value = remembered("localStorage", "live-context");
    $("context").addEventListener("input", () => remember("localStorage", "live-context", $("context").value));
    $("faces").addEventListener("keydown", (event) => this._step(event));
    for (const option of $("length").options) option.hidden = Number(option.value) > facts.longest_s;
    this._showCost();
  }

  async load() {
    const own = this._api.get("userVoice/completedRecord").catch(() => []); // not every key may see them
    const [avatars, voices] = await Promise.all([this._api.get("streaming-avatar/all_avatars"), this._api.post("anchor/tts_list")]);
    this._avatars = Array.isArray(avatars) ? avatars : avatars.data || [];
    this._voices = voices;
    this._own = (await own).map((voice) => ({ value: voice._id, label: voice.name, gender: voice.gender, live: false, installed: true, own: true, preview_url: voice.sample_url, description: "A cloned voice of yours." }));
    this._showFaces();
    this._showLanguages();
    $("start").disabled = !this.avatar;
    this._showGrounds(await this._api.post("custom_back/allBackground").catch(() => [])); // not every key may see them
    if (!this.avatar) toast("There is no avatar yet. Make one with avatar/upload or userVideoTwin/start, then load this page again.");
  }

  // What agora-token is asked for.
  request() {
    const isTransparent = $("transparent").checked;
    const ground = isTransparent ? "" : $("ground").value;
    const isColour = ground.startsWith("#");
    const request = {
      avatar_id: this.avatar._id, expire_seconds: Number($("length").value), microphone: true, shape: $("shape").value,
      qa_context: $("context").value.trim(), emotion: $("mood").value, record: $("record").checked,
      transparent: isTransparent, background_color: isColour ? ground : "", background_id: isColour ? "" : ground,
    };
    if (this._list.value) request.voice_id = this._list.value;
    request.language = $("language").value; // which one's own voice speaks, too
    return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== "" && value !== false));
  }

  greet() {
    $("who-more").textContent = "Press Start, and talk.";
  }

  silence() {
    this._list.silence();
  }

  _showFaces() {
    const wanted = remembered("localStorage", "live-avatar");
    const faces = this._avatars.map((avatar) => {
      const cover = avatar.preview_url || "";
      const image = el("img", { src: cover || undefined, alt: "", loading: "lazy", draggable: "false" });
      return el("button", { type: "button", class: "face", role: "radio", "aria-checked": "false", tabindex: "-1", "data-id": avatar._id, onclick: () => this._choose(avatar) }, image, el("span", {}, avatar.name || "Unnamed"));
    });
    $("faces").replaceChildren(...faces);
    const first = this._avatars.find((avatar) => avatar._id === wanted) || this._avatars[0];
    if (first) this._choose(first, false);
  }

  _choose(avatar, focus = true) {
    this.avatar = avatar;
    remember("localStorage", "live-avatar", avatar._id);
    for (const face of $("faces").children) {
      const isIt = face.dataset.id === avatar._id;
      face.setAttribute("aria-checked", String(isIt));
      face.tabIndex = isIt ? 0 : -1;
      if (isIt && focus) face.focus();
    }
    const picture = avatar.preview_url;
    if (picture) $("poster").src = picture;
    $("who").firstElementChild.textContent = avatar.name || "Your avatar";
    this.greet();
    if (avatar.user_voice_id) this._list.value = avatar.user_voice_id;
    if (this._voices.length) this._showVoices();
  }

  _step(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !this.avatar) return;
    event.preventDefault();
    const at = this._avatars.indexOf(this.avatar);
    this._choose(this._avatars[(at + step + this._avatars.length) % this._avatars.length]);
  }

  _showLanguages() {
    const codes = [...new Set(this._voices.map((voice) => voice.country))];
    const mine = (navigator.language || "en").slice(0, 2);
    codes.sort((a, b) => (b === "en") - (a === "en") || languageName(a).localeCompare(languageName(b)));
    $("language").replaceChildren(...codes.map((code) => el("option", { value: code, selected: code === mine }, languageName(code))));
    this._showVoices();
  }

  _showVoices() {
    const shipped = this._voices.filter((voice) => voice.country === $("language").value);
    const spoken = [...shipped, ...(shipped.some((voice) => voice.engine === "kokoro") ? this._own : [])]; // clones speak what Kokoro does
    const { gender = "", user_voice_id: its } = this.avatar || {};
    // An avatar's own before all; robots last, before them those that are not here yet, and the slow ones.
    const rank = (voice) => (its && voice.value === its ? -1 : Number(voice.engine === "espeak") * 8 + Number(!voice.installed) * 4 + Number(voice.live === false) * 2 + Number(voice.gender !== gender));
    spoken.sort((a, b) => rank(a) - rank(b));
    const notes = (voice) => [voice.installed ? "" : "is fetched first", voice.live === false ? "begins a little later" : ""];
    const label = (voice) => [`${voice.label || voice.name}, ${voice.own ? "yours" : voice.gender}${voice.region ? `, ${voice.region}` : ""}`, ...notes(voice)].filter(Boolean).join(" · ");
    this._list.show(spoken, label);
  }

  _showCost() {
    const seconds = Number($("length").value);
    const coins = Math.ceil(Math.ceil(seconds / this._facts.unit_s) * this._facts.unit_coins);
    $("cost").textContent = `Up to ${coins} coin${coins === 1 ? "" : "s"}. Time you do not use is given back.`;
  }

  _showGrounds(grounds) {
    $("ground-pictures").hidden = !grounds.length;
    $("ground-pictures").replaceChildren(...grounds.map(({ _id, name }) => el("option", { value: _id }, name || "Unnamed")));
  }

  _showShape() {
    $("screen").dataset.shape = $("shape").value;
  }
}
