// The SDK's log levels: 0 debug, 1 info, 2 warning, 3 error, 4 nothing.

const METHODS = ["debug", "info", "warn", "error"];
let threshold = 2;

export function setLogLevel(level) {
  threshold = Number(level);
}

export function log(level, ...words) {
  if (level >= threshold && level < METHODS.length) console[METHODS[level]]("[AgoraRTC]", ...words);
}
