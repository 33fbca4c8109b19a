// Events. A handler that throws disturbs nobody else: the SDK's own samples throw in theirs.

import { log } from "./logs.js";

const HELD_MAX = 200;

export class Emitter {
  #handlers = new Map();
  #held = new Map();

  on(event, handler) {
    this.#add(event, handler, false);
  }

  once(event, handler) {
    this.#add(event, handler, true);
  }

  off(event, handler) {
    const kept = (this.#handlers.get(event) || []).filter((entry) => handler && entry.handler !== handler);
    if (kept.length) this.#handlers.set(event, kept);
    else this.#handlers.delete(event);
  }

  removeAllListeners(event) {
    if (event === undefined) this.#handlers.clear();
    else this.#handlers.delete(event);
  }

  getListeners(event) {
    return (this.#handlers.get(event) || []).map((entry) => entry.handler);
  }

  listenerCount(event) {
    return (this.#handlers.get(event) || []).length;
  }

  emit(event, ...args) {
    for (const entry of [...(this.#handlers.get(event) || [])]) {
      if (entry.once) this.off(event, entry.handler);
      this.#call(event, entry.handler, args);
    }
  }

  // For what must not be missed by a handler that is attached a moment too late.
  emitWhenHeard(event, ...args) {
    if (this.listenerCount(event)) {
      this.emit(event, ...args);
      return;
    }
    const waiting = this.#held.get(event) || [];
    waiting.push(args);
    this.#held.set(event, waiting.slice(-HELD_MAX));
  }

  forgetHeld() {
    this.#held.clear();
  }

  #add(event, handler, once) {
    if (typeof handler !== "function") return;
    this.#handlers.set(event, [...(this.#handlers.get(event) || []), { handler, once }]);
    if (this.#held.has(event)) setTimeout(() => this.#release(event), 0);
  }

  #release(event) {
    const waiting = this.#held.get(event) || [];
    this.#held.delete(event);
    for (const args of waiting) this.emit(event, ...args);
  }

  #call(event, handler, args) {
    try {
      const result = handler(...args);
      if (result && typeof result.catch === "function") result.catch((problem) => log(3, `A handler of "${event}" failed:`, problem));
    } catch (problem) {
      log(3, `A handler of "${event}" failed:`, problem);
    }
  }
}
