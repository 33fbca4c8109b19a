// The little of SDP that a WHEP client reads and writes itself.

export function iceOf(sdp) {
  const find = (name) => (sdp.match(new RegExp(`^a=${name}:(\\S+)`, "m")) || [])[1] || "";
  return { ufrag: find("ice-ufrag"), pwd: find("ice-pwd") };
}

// A fragment for PATCH (RFC 8840): credentials, and the candidates of the one bundled transport.
export function fragment(sdp, candidates, { done = false } = {}) {
  const { ufrag, pwd } = iceOf(sdp);
  const media = (sdp.match(/^m=.*$/m) || ["m=audio 9 UDP/TLS/RTP/SAVPF 0"])[0].trim();
  const mid = (sdp.match(/^a=mid:(\S+)/m) || [])[1] || "0";
  const lines = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, media, `a=mid:${mid}`];
  lines.push(...candidates.map((candidate) => `a=${candidate.candidate}`));
  if (done) lines.push("a=end-of-candidates");
  return `${lines.join("\r\n")}\r\n`;
}

// The answer we have, with the server's new credentials and candidates in it: what an ICE restart makes of it.
export function withNewIce(answer, part) {
  const { ufrag, pwd } = iceOf(part);
  const candidates = part.match(/^a=(?:candidate:.*|end-of-candidates)\r?$/gm) || [];
  const kept = answer.split(/\r?\n/).filter((line) => !/^a=(candidate:|end-of-candidates)/.test(line));
  const lines = [];
  let placed = false;
  for (const line of kept) {
    if (line.startsWith("a=ice-ufrag:")) lines.push(`a=ice-ufrag:${ufrag}`);
    else if (line.startsWith("a=ice-pwd:")) {
      lines.push(`a=ice-pwd:${pwd}`);
      if (!placed) lines.push(...candidates.map((candidate) => candidate.trim()));
      placed = true;
    } else lines.push(line);
  }
  return lines.join("\r\n");
}

// Link: <turn:host:3478?transport=udp>; rel="ice-server"; username="u"; credential="c"; credential-type="password"
export function iceServersOf(link) {
  const servers = [];
  for (const [, url, rest] of (link || "").matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)/g)) {
    const given = Object.fromEntries([...rest.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]+))/g)].map(([, name, quoted, bare]) => [name, quoted ?? bare]));
    if (given.rel !== "ice-server") continue;
    servers.push(given.username ? { urls: url, username: given.username, credential: given.credential } : { urls: url });
  }
  return servers;
}

// Hardware and phones do best with H.264; what is neither that nor VP8 our rooms do not speak.
export function orderedCodecs(first) {
  const known = (RTCRtpReceiver.getCapabilities && RTCRtpReceiver.getCapabilities("video")) || { codecs: [] };
  const rank = (codec) => {
    const name = codec.mimeType.toLowerCase();
    if (name === "video/h264") return first === "vp8" ? 1 : 0;
    if (name === "video/vp8") return first === "vp8" ? 0 : 1;
    return /rtx/.test(name) ? 2 : 9;
  };
  return known.codecs.filter((codec) => rank(codec) < 9).sort((a, b) => rank(a) - rank(b));
}
