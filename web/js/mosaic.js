// Tiles of a picture put together, in the form of examples/mandelbrot: a result is one tile or
// several, each six big-endian numbers (the picture's width and height, the tile's x, y, width
// and height) and then 3 bytes a pixel.
import { h } from "./dom.js";
import { plural } from "./format.js";

const maxSide = 16384, most = 4096;

function* tilesOf(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length;) {
    if (at + 24 > data.length) throw new Error("a tile breaks off");
    const [pw, ph, x, y, w, hh] = [0, 4, 8, 12, 16, 20].map((o) => view.getUint32(at + o));
    if (!w || !hh || pw > maxSide || ph > maxSide || x + w > pw || y + hh > ph || at + 24 + 3 * w * hh > data.length) throw new Error("no tile");
    yield { pw, ph, x, y, w, h: hh, rgb: data.subarray(at + 24, at + 24 + 3 * w * hh) };
    at += 24 + 3 * w * hh;
  }
}

// isTiles tells whether bytes are tiles to their end.
export function isTiles(data) {
  if (data.length < 27) return false;
  try { for (const t of tilesOf(data)) void t; return true; } catch { return false; }
}

export class Mosaic {
  constructor(load, signal) {
    Object.assign(this, { load, signal, have: new Set(), queue: [], busy: 0 });
    this.canvas = h("canvas", { role: "img", "aria-label": "The picture, as far as its tiles have come" });
    this.note = h("p.sub", { style: { paddingTop: ".5rem" } });
    this.el = h("div", {}, h("div.picture", {}, this.canvas), this.note);
  }

  want(tasks) {
    for (const task of tasks.slice(0, most)) if (!this.have.has(task)) { this.have.add(task); this.queue.push(task); }
    this.next();
  }

  next() {
    while (this.busy < 3 && this.queue.length && !this.signal.aborted) {
      const task = this.queue.shift();
      this.busy++;
      this.load(task).then((data) => this.paint(data), () => { setTimeout(() => this.have.delete(task), 3000); }).finally(() => { this.busy--; this.next(); });
    }
  }

  paint(data) {
    try {
      for (const t of tilesOf(data)) this.tile(t);
    } catch { return; }
    this.note.textContent = plural(this.tiles, "tile") + " of a picture of " + this.canvas.width + " × " + this.canvas.height;
  }

  tile(t) {
    if (!this.pen) {
      this.canvas.width = t.pw;
      this.canvas.height = t.ph;
      this.pen = this.canvas.getContext("2d");
      this.tiles = 0;
    }
    const image = new ImageData(t.w, t.h), out = image.data;
    for (let i = 0, j = 0; i < t.rgb.length; i += 3, j += 4) {
      out[j] = t.rgb[i];
      out[j + 1] = t.rgb[i + 1];
      out[j + 2] = t.rgb[i + 2];
      out[j + 3] = 255;
    }
    this.pen.putImageData(image, t.x, t.y);
    this.tiles++;
  }
}
