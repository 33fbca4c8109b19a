// A person without a ground: plays a video whose lower half is the mask of the upper one on a canvas that the page shows through.

import { log } from "./logs.js";

const TRIM = 6; // of 255: what a codec leaves of clear and of solid ground
const GUARD_ROWS = 1.5; // round the seam of the halves, where their colours run into each other
const SEES = { alpha: true, premultipliedAlpha: true, antialias: false, depth: false, stencil: false };
const CORNERS = `
attribute vec2 corner;
varying vec2 at;
void main() {
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;
const PIXELS = `
#ifdef GL_FRAGMENT_PRECISION_HIGH
precision highp float;
#else
precision mediump float;
#endif
uniform sampler2D picture;
uniform float guard;
varying vec2 at;
void main() {
  vec3 colour = texture2D(picture, vec2(at.x, min(at.y * 0.5, 0.5 - guard))).rgb;
  float mask = texture2D(picture, vec2(at.x, max(at.y * 0.5 + 0.5, 0.5 + guard))).r;
  float alpha = clamp((mask * 255.0 - ${TRIM}.0) / ${255 - 2 * TRIM}.0, 0.0, 1.0);
  gl_FragColor = vec4(colour * alpha, alpha);
}`;

// Throws where there is no WebGL.
class GlPainter {
  constructor(canvas) {
    const gl = canvas.getContext("webgl", SEES);
    if (!gl) throw new Error("no WebGL");
    this._gl = gl;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, CORNERS], [gl.FRAGMENT_SHADER, PIXELS]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "corner");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "the program does not link");
    gl.useProgram(program);
    this._guard = gl.getUniformLocation(program, "guard");
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.LINEAR);
  }

  paint(video, width, height) {
    const gl = this._gl;
    gl.viewport(0, 0, width, height);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, video);
    gl.uniform1f(this._guard, GUARD_ROWS / (2 * height));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  // Browsers have a few contexts for all pages together.
  close() {
    const lose = this._gl.getExtension("WEBGL_lose_context");
    if (lose) lose.loseContext();
  }
}

const TRIMMED = Uint8ClampedArray.from({ length: 256 }, (_, mask) => Math.round(((mask - TRIM) * 255) / (255 - 2 * TRIM)));

// The same pixel by pixel, for browsers without WebGL.
class PlainPainter {
  constructor(canvas) {
    this._context = canvas.getContext("2d");
    this._both = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  }

  paint(video, width, height) {
    const both = this._both.canvas;
    if (both.width !== width || both.height !== 2 * height) Object.assign(both, { width, height: 2 * height });
    this._both.drawImage(video, 0, 0, width, 2 * height);
    const image = this._both.getImageData(0, 0, width, 2 * height);
    const pixels = image.data;
    const half = 4 * width * height;
    const row = 4 * width;
    pixels.copyWithin(half - row, half - 2 * row, half - row); // at the seam they run into each other
    pixels.copyWithin(half, half + row, half + 2 * row);
    for (let at = 3; at < half; at += 4) pixels[at] = TRIMMED[pixels[at + half - 3]];
    this._context.putImageData(image, 0, 0);
  }

  close() {
    this._both.canvas.width = 0;
  }
}

export class Cutout {
  // `seen` is called with the first picture.
  constructor(seen) {
    this._seen = seen;
    this._video = null;
    this._handle = 0;
    this._lost = (event) => {
      event.preventDefault();
      log(2, "The graphics card took the picture back: it is painted without it.");
      this._repaint();
    };
    this.canvas = document.createElement("canvas");
    try {
      this._painter = new GlPainter(this.canvas);
      this.canvas.addEventListener("webglcontextlost", this._lost);
    } catch (problem) {
      log(1, "Painted without WebGL:", problem);
      this._plainly();
    }
  }

  // Follows this video from now on.
  follow(video) {
    if (this._video === video) return;
    this._cancel();
    this._video = video;
    this._await();
  }

  // What the video shows now; false where that is nothing yet.
  paint() {
    const video = this._video;
    const width = video ? video.videoWidth : 0;
    const height = video ? video.videoHeight >> 1 : 0;
    if (!width || !height || video.readyState < 2) return false;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this._painter.paint(video, width, height);
    if (this._seen) this._seen();
    this._seen = null;
    return true;
  }

  close() {
    this._cancel();
    this._video = null;
    this.canvas.removeEventListener("webglcontextlost", this._lost);
    this._painter.close();
    this.canvas.remove();
  }

  _await() {
    const next = () => {
      this.paint();
      this._await();
    };
    const video = this._video;
    this._handle = video.requestVideoFrameCallback ? video.requestVideoFrameCallback(next) : requestAnimationFrame(next);
  }

  _cancel() {
    const video = this._video;
    if (!video) return;
    if (video.cancelVideoFrameCallback) video.cancelVideoFrameCallback(this._handle);
    else cancelAnimationFrame(this._handle);
  }

  // A context that was lost may never come back: the page has too many, or the driver failed.
  _repaint() {
    this._plainly();
    this.paint();
  }

  // A canvas that had one kind of context never has another.
  _plainly() {
    const before = this.canvas;
    before.removeEventListener("webglcontextlost", this._lost);
    this.canvas = document.createElement("canvas");
    this.canvas.className = before.className;
    this.canvas.style.cssText = before.style.cssText;
    before.replaceWith(this.canvas);
    this._painter = new PlainPainter(this.canvas);
  }
}
