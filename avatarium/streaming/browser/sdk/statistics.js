// One reading of a connection's statistics, and the difference of two as figures for people.

const NONE = { bytes: 0, packets: 0, lost: 0 };

export async function readPeer(pc) {
  const report = await pc.getStats();
  const reading = { at: performance.now(), video: null, audio: null, rtt: 0, sent: 0, available: 0, relayed: false };
  const byId = new Map();
  report.forEach((entry) => byId.set(entry.id, entry));
  for (const entry of byId.values()) {
    if (entry.type === "inbound-rtp") reading[entry.kind] = inbound(entry, byId.get(entry.codecId));
    else if (entry.type === "outbound-rtp" && entry.kind === "audio") reading.sent += entry.bytesSent || 0;
  }
  const transport = [...byId.values()].find((entry) => entry.type === "transport");
  const pair = transport && byId.get(transport.selectedCandidatePairId);
  if (pair) {
    reading.rtt = (pair.currentRoundTripTime || 0) * 1000;
    reading.available = pair.availableIncomingBitrate || pair.availableOutgoingBitrate || 0;
    const local = byId.get(pair.localCandidateId);
    reading.relayed = Boolean(local && local.candidateType === "relay");
  }
  return reading;
}

function inbound(entry, codec) {
  return {
    bytes: (entry.bytesReceived || 0) + (entry.headerBytesReceived || 0),
    packets: entry.packetsReceived || 0,
    lost: Math.max(entry.packetsLost || 0, 0),
    codec: codec ? codec.mimeType.split("/")[1] : "",
    frames: entry.framesDecoded || 0,
    received: entry.framesReceived || 0,
    dropped: entry.framesDropped || 0,
    width: entry.frameWidth || 0,
    height: entry.frameHeight || 0,
    jitter: (entry.jitter || 0) * 1000,
    bufferS: entry.jitterBufferDelay || 0,
    buffered: entry.jitterBufferEmittedCount || 0,
    processingS: entry.totalProcessingDelay || 0,
    decodeS: entry.totalDecodeTime || 0,
    freezes: entry.freezeCount || 0,
    frozenS: entry.totalFreezesDuration || 0,
    concealed: entry.concealedSamples || 0,
    silentConcealed: entry.silentConcealedSamples || 0,
    samples: entry.totalSamplesReceived || 0,
    energy: entry.totalAudioEnergy || 0,
    level: entry.audioLevel || 0,
    keyFrames: entry.keyFramesDecoded || 0,
    playout: entry.estimatedPlayoutTimestamp || 0,
  };
}

function rate(now, before, name, seconds) {
  return Math.max((now[name] - (before ? before[name] : 0)) / seconds, 0);
}

function share(now, before, top, under) {
  const count = now[under] - (before ? before[under] : 0);
  return count > 0 ? (now[top] - (before ? before[top] : 0)) / count : 0;
}

// What happened between two readings.
export function figures(now, before) {
  const seconds = Math.max((now.at - (before ? before.at : now.at - 1000)) / 1000, 0.001);
  const earlier = before || {};
  return {
    rttMs: now.rtt,
    sendBitrate: Math.max((now.sent - (earlier.sent || 0)) * 8 / seconds, 0),
    available: now.available,
    relayed: now.relayed,
    video: now.video && mediaFigures(now.video, earlier.video, seconds),
    audio: now.audio && mediaFigures(now.audio, earlier.audio, seconds),
    offsetMs: now.video && now.audio && now.video.playout && now.audio.playout ? now.video.playout - now.audio.playout : null,
  };
}

function mediaFigures(now, before, seconds) {
  const earlier = before || NONE;
  const packets = now.packets - earlier.packets;
  const lost = Math.max(now.lost - earlier.lost, 0);
  return {
    ...now,
    bitrate: rate(now, before, "bytes", seconds) * 8,
    fps: rate(now, before, "frames", seconds),
    receivedFps: rate(now, before, "received", seconds),
    loss: packets + lost > 0 ? lost / (packets + lost) : 0,
    bufferMs: share(now, before, "bufferS", "buffered") * 1000,
    decodeMs: share(now, before, "decodeS", "frames") * 1000,
    processingMs: share(now, before, "processingS", "frames") * 1000,
    frozenShare: Math.min(rate(now, before, "frozenS", seconds), 1),
    isFlowing: packets > 0,
  };
}

// 1 excellent .. 5 very bad, 6 down; the SDK's scale.
export function quality(figure) {
  if (!figure || (!figure.audio && !figure.video)) return 0;
  const parts = [figure.audio, figure.video].filter(Boolean);
  if (!parts.some((part) => part.isFlowing)) return 6;
  const loss = Math.max(...parts.map((part) => part.loss));
  const steps = [[0.01, 150], [0.03, 250], [0.06, 400], [0.12, 700]];
  const found = steps.findIndex(([most, slowest]) => loss <= most && figure.rttMs <= slowest);
  return found < 0 ? 5 : found + 1;
}
