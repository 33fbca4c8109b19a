// The module itself: what `import AgoraRTC` gives.

import { resume, whenAutoplayFails } from "./autoplay.js";
import { Client } from "./client.js";
import { Emitter } from "./emitter.js";
import { AgoraRTCException } from "./errors.js";
import { createCustomAudioTrack, createMicrophoneAudioTrack } from "./local.js";
import { setLogLevel } from "./logs.js";
import { mediaSource } from "./player.js";
import { getParameter, getServer, setParameter, setServer } from "./parameters.js";

export const VERSION = "4.24.0"; // of the interface that this follows
export { createCustomAudioTrack, createMicrophoneAudioTrack, getParameter, setLogLevel, setParameter, setServer };

export function createClient(config) {
  return new Client(config);
}

// Whether this browser can be a viewer, by WebRTC or over one TCP port.
export function checkSystemRequirements() {
  return typeof RTCPeerConnection !== "undefined" || (Boolean(mediaSource()) && typeof WebSocket !== "undefined");
}

export async function getDevices(skipPermissionCheck = false) {
  if (!navigator.mediaDevices || !navigator.mediaDevices.enumerateDevices) {
    throw new AgoraRTCException("ENUMERATE_DEVICES_FAILED", "Browsers list devices to pages over https only. Open this page over https, or on localhost.");
  }
  if (!skipPermissionCheck) (await createMicrophoneAudioTrack()).close(); // names are shown to pages that may listen
  return navigator.mediaDevices.enumerateDevices();
}

async function devicesOf(kind, skipPermissionCheck) {
  return (await getDevices(skipPermissionCheck)).filter((device) => device.kind === kind);
}

export function getMicrophones(skipPermissionCheck) {
  return devicesOf("audioinput", skipPermissionCheck);
}

export function getPlaybackDevices(skipPermissionCheck) {
  return devicesOf("audiooutput", skipPermissionCheck);
}

export async function getCameras() {
  return devicesOf("videoinput", true);
}

export async function getSupportedCodec() {
  const names = (kind) => {
    const { codecs } = (typeof RTCRtpReceiver !== "undefined" && RTCRtpReceiver.getCapabilities(kind)) || { codecs: [] };
    return [...new Set(codecs.map((codec) => codec.mimeType.split("/")[1].toUpperCase()))];
  };
  return { video: names("video").filter((name) => ["H264", "VP8", "VP9", "AV1"].includes(name)), audio: names("audio").filter((name) => name === "OPUS") };
}

function noCamera() {
  return Promise.reject(new AgoraRTCException("NOT_SUPPORTED", "Viewers of a room send no picture. Publish a microphone, or nothing."));
}

const changes = new Emitter();

const AgoraRTC = {
  VERSION,
  createClient,
  createMicrophoneAudioTrack,
  createCustomAudioTrack,
  createCameraVideoTrack: noCamera,
  createScreenVideoTrack: noCamera,
  createCustomVideoTrack: noCamera,
  createMicrophoneAndCameraTracks: noCamera,
  checkSystemRequirements,
  getDevices,
  getMicrophones,
  getPlaybackDevices,
  getCameras,
  getSupportedCodec,
  setLogLevel,
  setParameter,
  getParameter,
  enableLogUpload() {},
  disableLogUpload() {},
  setArea() {},
  resumeAudioContext: resume,
  onAutoplayFailed: undefined,
  onAudioAutoplayFailed: undefined,
  onMicrophoneChanged: undefined,
  on: (event, handler) => changes.on(event, handler),
  once: (event, handler) => changes.once(event, handler),
  off: (event, handler) => changes.off(event, handler),
  removeAllListeners: (event) => changes.removeAllListeners(event),
  // Ours
  setServer,
  getServer,
};

whenAutoplayFails(() => {
  const told = AgoraRTC.onAutoplayFailed || AgoraRTC.onAudioAutoplayFailed;
  if (typeof told === "function") told();
  changes.emit("autoplay-failed");
});

if (typeof navigator !== "undefined" && navigator.mediaDevices && navigator.mediaDevices.addEventListener) {
  navigator.mediaDevices.addEventListener("devicechange", () => changes.emit("microphone-changed", { changeAt: Date.now() }));
}

export { AgoraRTC };
