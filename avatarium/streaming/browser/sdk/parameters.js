// Where the service is, and what setParameter changes.

import { invalid } from "./errors.js";
import { HERE } from "./here.js";

const parameters = {
  TRANSPORT: "auto", // auto | webrtc | socket
  VIDEO_CODEC: "", // "" lets the browser's H.264 come first, then VP8; or h264 | vp8
  JITTER_TARGET_MS: 0, // how much sound and picture wait for late packets at least; the browser adds what the network needs
  CONNECT_TIMEOUT_MS: 6000, // without media by then, UDP counts as blocked
};
const ALLOWED = { TRANSPORT: ["auto", "webrtc", "socket"], VIDEO_CODEC: ["", "h264", "vp8"] };
let server = originOf(HERE);

function originOf(address) {
  try {
    return new URL(address).origin;
  } catch {
    return typeof location === "undefined" ? "" : location.origin;
  }
}

// The vendor's SDK takes any name, and so do we; ours are those above.
export function setParameter(name, value) {
  if (name in ALLOWED && !ALLOWED[name].includes(value)) throw invalid(`${name} is one of ${ALLOWED[name].join(", ")}.`);
  if (typeof parameters[name] === "number" && !(Number(value) >= 0)) throw invalid(`${name} is a number of milliseconds.`);
  parameters[name] = value;
}

export function getParameter(name) {
  return parameters[name];
}

export function setServer(address) {
  if (!/^https?:\/\/[^/]/.test(address) || !originOf(address)) {
    throw invalid("setServer takes the address of an Avatarium service, such as https://avatar.example.");
  }
  server = String(address).replace(/[/?#]+$/, "");
}

export function getServer() {
  return server;
}
