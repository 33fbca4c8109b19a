// A microphone as little-endian 16-bit PCM, for the socket.

const BLOCK = 2048;

export class Microphone {
  constructor(track, rate, send) {
    this._context = new AudioContext({ sampleRate: rate });
    this._input = this._context.createMediaStreamSource(new MediaStream([track]));
    // A worklet would need a file of its own, which a page's policy may refuse; this old node needs none.
    this._node = this._context.createScriptProcessor(BLOCK, 1, 1);
    this._node.onaudioprocess = ({ inputBuffer }) => send(pcmOf(inputBuffer.getChannelData(0)));
    this._input.connect(this._node);
    this._node.connect(this._context.destination);
  }

  close() {
    this._node.onaudioprocess = null;
    this._input.disconnect();
    this._node.disconnect();
    this._context.close();
  }
}

export function pcmOf(samples) {
  const view = new DataView(new ArrayBuffer(samples.length * 2));
  samples.forEach((sample, i) => view.setInt16(i * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return view.buffer;
}
