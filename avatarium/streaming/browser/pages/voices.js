// The voices of a language: one is chosen, and each can be heard before.

import { $, el, toast } from "./page.js";

export class VoiceList {
  constructor(list) {
    this._list = list;
    this._sound = new Audio();
    this._playing = null;
    this.value = "";
    this._sound.addEventListener("ended", () => this.silence());
    list.addEventListener("keydown", (event) => this._step(event));
  }

  // Rows for some voices, the first of them chosen unless the one that was is among them.
  show(voices, label) {
    this.silence();
    this._list.replaceChildren(...voices.map((voice) => this._row(voice, label(voice))));
    const first = voices.find((voice) => id(voice) === this.value) || voices[0];
    this._choose(first ? id(first) : "");
  }

  silence() {
    this._sound.pause();
    if (this._playing) this._mark(this._playing, false);
    this._playing = null;
  }

  _row(voice, words) {
    const name = voice.label || voice.name;
    const radio = el("button", { type: "button", role: "radio", class: "voice-name", "data-id": id(voice), onclick: () => this._choose(id(voice)) }, words);
    const play = el("button", { type: "button", class: "voice-play", "aria-pressed": "false", "aria-label": `Hear ${name}`, title: "Hear a sample", onclick: () => this._toggle(play, voice) });
    return el("div", { class: "voice", title: voice.description || "" }, radio, ...(voice.preview_url ? [play] : []));
  }

  _choose(wanted, focus = false) {
    this.value = wanted;
    for (const radio of this._radios()) {
      const isIt = radio.dataset.id === wanted;
      radio.setAttribute("aria-checked", String(isIt));
      radio.tabIndex = isIt ? 0 : -1;
      if (isIt && focus) radio.focus();
    }
  }

  _step(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const radios = this._radios();
    if (!step || !radios.length) return;
    event.preventDefault();
    const at = radios.findIndex((radio) => radio.dataset.id === this.value);
    this._choose(radios[(at + step + radios.length) % radios.length].dataset.id, true);
  }

  async _toggle(play, voice) {
    const isOn = this._playing === play;
    this.silence();
    if (isOn) return;
    this._playing = play;
    this._mark(play, true);
    // The page may be opened by another name than the service tells: samples lie beside it.
    const { pathname } = new URL(voice.preview_url, location.href);
    this._sound.src = voice.own ? voice.preview_url : pathname;
    try {
      await this._sound.play();
    } catch (problem) {
      if (problem.name === "AbortError") return; // another was begun
      this.silence();
      toast("The sample cannot be played here.");
    }
  }

  _mark(play, isOn) {
    play.setAttribute("aria-pressed", String(isOn));
  }

  _radios() {
    return [...this._list.querySelectorAll("[role=radio]")];
  }
}

function id(voice) {
  return voice.value || voice._id;
}

export function voiceList() {
  return new VoiceList($("voices"));
}
