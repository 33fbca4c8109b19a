// Sound that the browser refuses to play before the page was touched: told once, and played at the next touch.

import { log } from "./logs.js";

const GESTURES = ["pointerup", "touchend", "keydown", "click"];
const waiting = new Set();
let listening = false;
let tell = () => {};

export function whenAutoplayFails(callback) {
  tell = callback;
}

export async function playElement(element) {
  try {
    await element.play();
    return true;
  } catch (problem) {
    if (problem.name !== "NotAllowedError") {
      if (problem.name !== "AbortError") log(2, "A media element does not play:", problem);
      return false;
    }
  }
  waiting.add(element);
  if (!listening) {
    listening = true;
    for (const gesture of GESTURES) document.addEventListener(gesture, resume, true);
  }
  tell();
  return false;
}

export function dontPlay(element) {
  waiting.delete(element);
}

// Plays what waits. Also a function of the module, for a page's own button.
export function resume() {
  listening = false;
  for (const gesture of GESTURES) document.removeEventListener(gesture, resume, true);
  const elements = [...waiting];
  waiting.clear();
  for (const element of elements) {
    if ("wantsSound" in element.dataset) element.muted = false;
    playElement(element);
  }
}
