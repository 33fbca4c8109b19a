// Reads a room token: "007" and the base64 of a deflated little-endian record (Agora's AccessToken2). The signature is the server's business.

const WORDS = new TextDecoder();
const SERVICE_RTC = 1;
const PUBLISH_AUDIO = 2;

class Record {
  #view;
  #at = 0;

  constructor(bytes) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16() {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  u32() {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  text() {
    const length = this.u16();
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at, length);
    this.#at += length;
    return WORDS.decode(bytes);
  }
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// {appId, issuedS, endsS, channel, uid, mayPublish}, or null for what is no such token.
export async function readToken(token) {
  try {
    const packed = Uint8Array.from(atob(token.slice(3)), (letter) => letter.charCodeAt(0));
    const record = new Record(await inflate(packed));
    record.text(); // signature
    const appId = record.text();
    const issuedS = record.u32();
    const endsS = issuedS + record.u32();
    record.u32(); // salt
    if (record.u16() < 1 || record.u16() !== SERVICE_RTC) return null;
    const rights = new Set();
    for (let left = record.u16(); left > 0; left -= 1) {
      rights.add(record.u16());
      record.u32();
    }
    const channel = record.text();
    return { appId, issuedS, endsS, channel, uid: Number(record.text()) || 0, mayPublish: rights.has(PUBLISH_AUDIO) };
  } catch {
    return null;
  }
}
