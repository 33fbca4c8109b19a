// What is being said, over the picture: said words bright, the one that sounds now in colour.

import { $, el } from "./page.js";

const LINGER_MS = 1600;
const AROUND = 90; // characters that are shown before and after the word that sounds

export class Captions {
  constructor() {
    this._text = "";
    this._at = 0;
    this.clear();
  }

  begin(text) {
    clearTimeout(this._timer);
    this._text = text || "";
    this._at = 0;
    this._show("", "", this._text.slice(0, AROUND * 2));
  }

  // Words come as they are written; one that is not found (a number read aloud) leaves the place as it is.
  word(word) {
    const found = this._text.toLowerCase().indexOf(word.toLowerCase(), this._at);
    if (found < 0 || found - this._at > AROUND) return;
    this._at = found + word.length;
    const from = this._text.lastIndexOf(" ", Math.max(0, found - AROUND)) + 1;
    this._show(this._text.slice(from > found ? 0 : from, found), this._text.slice(found, this._at), this._text.slice(this._at, this._at + AROUND));
  }

  end() {
    this._timer = setTimeout(() => this.clear(), LINGER_MS);
  }

  clear() {
    clearTimeout(this._timer);
    $("captions").replaceChildren();
  }

  _show(said, now, rest) {
    $("captions").replaceChildren(el("span", { class: "said" }, said), el("span", { class: "now" }, now), rest);
  }
}
