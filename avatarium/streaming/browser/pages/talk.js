// While a room is open: what is said, what happens, and what is asked of it.

import { Captions } from "./captions.js";
import { $, el, toast } from "./page.js";
import { EMOTIONS, fillChoices, GESTURES } from "./setup.js";

const EVENTS_KEPT = 300;
const FACT_MAX = 120;
const QUIET = new Set(["word", "viseme", "keepalive"]);
const WORDS = ["Hello, nice to meet you!", "What I say is up to you."];
const IDEAS_MAX = 3;
const IDEA_MAX = 60;
const TABS = ["log", "figures", "events", "know"];

export class Talk {
  // `act`: {send(how, text, manner), saveContext(text)}
  constructor(act) {
    this._act = act;
    this._captions = new Captions();
    this._bubbles = new Map();
    this._said = new Map();
    fillChoices($("emotion"), EMOTIONS, "Mood: as it is");
    fillChoices($("gesture"), GESTURES, "No gesture");
    this._wireTabs();
    this._wireComposer();
    $("know").addEventListener("submit", (event) => {
      event.preventDefault();
      this._act.saveContext($("know-text").value);
    });
    $("know-text").addEventListener("input", () => this._count());
  }

  open(context) {
    this._began = performance.now();
    this._bubbles.clear();
    this._said.clear();
    $("log").replaceChildren(...this._ideas(context));
    $("events").replaceChildren();
    $("know-text").value = context;
    this._count();
    this._select("log");
    this._captions.clear();
  }

  close() {
    this._captions.clear();
  }

  note(words) {
    this._add(el("p", { class: "note" }, words));
  }

  // One event of the room. Answers what state it is in then: "speaking", "listening", "" or null for no change.
  hear(event) {
    if (!QUIET.has(event.type)) this._list(event);
    const handler = this[`_on_${event.type}`];
    return handler ? handler.call(this, event) : null;
  }

  _on_speaking_started({ text, command_id: command }) {
    this._captions.begin(text);
    this._sayBubble(command, text);
    return "speaking";
  }

  _on_word({ text }) {
    this._captions.word(text);
    return "speaking";
  }

  _on_speaking_ended({ command_id: command, interrupted }) {
    this._captions.end();
    const bubble = this._bubbles.get(command);
    if (interrupted && bubble) bubble.classList.add("cut");
    return "";
  }

  _on_interrupted() {
    this._captions.clear();
    return "";
  }

  _on_listening_started() {
    return "listening";
  }

  _on_listening_ended() {
    return "";
  }

  _on_transcript({ role, text, final }) {
    if (role === "user" && final && text && text !== this._typed) this._add(el("p", { class: "bubble mine" }, el("small", {}, "You said"), text));
    if (role === "user") this._typed = "";
    return null;
  }

  _on_problem({ message }) {
    toast(message || "Something could not be spoken.");
    return null;
  }

  // An answer comes as several sentences of one command: they share a bubble.
  _sayBubble(command, text) {
    const known = command && this._bubbles.get(command);
    if (!known) {
      const bubble = el("p", { class: "bubble avatar" }, text);
      if (command) {
        this._bubbles.set(command, bubble);
        this._said.set(command, text);
      }
      this._add(bubble);
      return;
    }
    if (this._said.get(command).includes(text)) return;
    this._said.set(command, `${this._said.get(command)} ${text}`);
    known.textContent = this._said.get(command);
    this._scroll();
  }

  _list(event) {
    const { type, number, event_id: id, channel, time, media_ms: media, command_id: command, ...rest } = event;
    const facts = Object.entries(rest).filter(([, value]) => value !== null && value !== "").map(([name, value]) => `${name} ${short(value)}`);
    const seconds = media ? media / 1000 : (performance.now() - this._began) / 1000;
    const entry = el("li", {}, el("span", {}, `${seconds.toFixed(2)} s`), el("b", {}, type), el("span", {}, facts.join(" · ")));
    $("events").prepend(entry);
    while ($("events").children.length > EVENTS_KEPT) $("events").lastElementChild.remove();
  }

  _add(node) {
    $("log").append(node);
    this._scroll();
  }

  _scroll() {
    $("pane-log").scrollTop = $("pane-log").scrollHeight;
  }

  // Questions that stand in what the avatar knows; where there are none, words to say.
  _ideas(context) {
    const asked = (context.match(/[^.!?\n]+\?/g) ?? []).map((words) => words.replace(/^\s*(Q:|-)?\s*/i, "").trim());
    const questions = asked.filter((words) => words.length <= IDEA_MAX).slice(0, IDEAS_MAX);
    const [how, ideas] = questions.length ? ["ask", questions] : ["speak", WORDS];
    const buttons = ideas.map((idea) => el("button", { type: "button", class: "idea", onclick: () => this._send(how, idea) }, idea));
    const note = context.trim()
      ? "Ask something, or let the avatar say your words."
      : "Let the avatar say your words. What it shall answer questions from goes under Knows.";
    return [el("p", { class: "note" }, note), el("div", { class: "ideas" }, ...buttons)];
  }

  _wireTabs() {
    for (const name of TABS) {
      $(`tab-${name}`).addEventListener("click", () => this._select(name));
      $(`tab-${name}`).addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = TABS[(TABS.indexOf(name) + step + TABS.length) % TABS.length];
        this._select(next);
        $(`tab-${next}`).focus();
      });
    }
  }

  _select(chosen) {
    for (const name of TABS) {
      $(`tab-${name}`).setAttribute("aria-selected", String(name === chosen));
      $(`tab-${name}`).tabIndex = name === chosen ? 0 : -1;
      $(`pane-${name}`).hidden = name !== chosen;
    }
  }

  _wireComposer() {
    const words = $("words");
    const form = $("compose");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = words.value.trim();
      if (!text) return;
      words.value = "";
      this._fit(words);
      this._send(form.elements.how.value, text);
    });
    words.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    words.addEventListener("input", () => this._fit(words));
    form.addEventListener("change", () => {
      words.placeholder = form.elements.how.value === "ask" ? "Ask something" : "Words for the avatar to say";
      $("emotion").hidden = form.elements.how.value === "ask";
      $("gesture").hidden = form.elements.how.value === "ask";
    });
    form.dispatchEvent(new Event("change"));
  }

  _send(how, text) {
    if (how === "ask") {
      this._typed = text;
      this._add(el("p", { class: "bubble mine" }, text));
    }
    this._act.send(how, text, { emotion: $("emotion").value, gesture: $("gesture").value });
  }

  _fit(area) {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, 150)}px`;
  }

  _count() {
    $("know-left").textContent = 5000 - $("know-text").value.length;
  }
}

function short(value) {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > FACT_MAX ? `${text.slice(0, FACT_MAX)}…` : text;
}
