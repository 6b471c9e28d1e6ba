// The task stream: each slot of a worker a row, each attempt a bar.
import { colours, fit, frame, h, tip } from "./dom.js";
import { duration, short } from "./format.js";

const axis = 26;
// left is the room for names.
let left = 104;
const rowOf = (rows) => rows > 60 ? 9 : rows > 24 ? 14 : 20;

export class TaskStream {
  constructor(model, submitted, open) {
    this.model = model;
    this.submitted = submitted;
    this.canvas = h("canvas", { role: "img", tabindex: "0", "aria-label": "Attempts over time, a row for each slot" });
    this.space = h("div", {}, this.canvas);
    this.box = h("div.plot.scrolls", {}, this.space);
    this.draw = frame(() => this.render());
    this.box.addEventListener("scroll", this.draw, { passive: true });
    this.canvas.addEventListener("mousemove", (e) => this.point(e));
    this.canvas.addEventListener("mouseleave", () => tip(""));
    this.canvas.addEventListener("click", (e) => { const s = this.at(e); if (s) open(s.task); });
    this.span = 0; // how much time is shown, 0: all
  }

  rows() {
    const list = this.model.lanes.slice();
    const lanes = new Set(list.map((l) => l.worker));
    for (const s of this.model.running.values()) {
      if (!lanes.has(s.worker)) { lanes.add(s.worker); list.push({ worker: s.worker, slot: 0, spans: [], last: 0 }); }
    }
    return list.sort((a, b) => a.worker - b.worker || a.slot - b.slot);
  }

  // window is the time that is shown, in ms since the job was submitted.
  window(finished) {
    const ends = finished ? Math.max(1000, ...this.model.lanes.map((l) => l.last)) : this.model.now() - this.submitted;
    const all = Math.max(1000, ends);
    let first = Infinity;
    for (const l of this.model.lanes) if (l.spans.length && l.spans[0].begun < first) first = l.spans[0].begun;
    for (const s of this.model.running.values()) if (s.begun < first) first = s.begun;
    if (first === Infinity) first = 0;
    const from = this.span ? Math.max(first, all - this.span) : first;
    return [from, Math.max(all, from + 1000)];
  }

  render() {
    const rows = this.rows(), row = rowOf(rows.length), c = colours();
    const full = rows.length * row + axis;
    const height = Math.max(80, Math.min(full, 440));
    this.space.style.height = Math.max(full, height) + "px";
    this.canvas.style.position = "sticky";
    this.canvas.style.top = "0";
    const { pen, width } = fit(this.canvas, height);
    left = width < 480 ? 62 : 104;
    const scroll = this.box.scrollTop, area = width - left - 4;
    const [from, to] = this.window(this.finished), scale = area / (to - from);
    this.shown = { rows, row, from, to, scale, scroll, height };
    pen.clearRect(0, 0, width, height);
    pen.font = "11px ui-sans-serif, system-ui, sans-serif";
    this.renderAxis(pen, c, { from, to, scale, width, height });
    const firstRow = Math.floor(scroll / row), lastRow = Math.min(rows.length, Math.ceil((scroll + height - axis) / row));
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, width, height - axis);
    pen.clip();
    const ground = { succeeded: c.done, failed: c.failed, killed: c.disputed, void: c.void };
    const bars = { succeeded: [], failed: [], killed: [], void: [] };
    for (let i = firstRow; i < lastRow; i++) this.collect(rows[i], i * row - scroll, row, bars);
    for (const how of Object.keys(bars)) {
      pen.fillStyle = ground[how];
      for (const [x, y, w, hh] of bars[how]) pen.fillRect(x, y, w, hh);
    }
    this.renderRunning(pen, c, rows, firstRow, lastRow);
    this.renderNames(pen, c, rows, firstRow, lastRow);
    pen.restore();
    if (!rows.length) {
      pen.fillStyle = c.muted;
      pen.textAlign = "center";
      pen.fillText(this.finished ? "no attempt is remembered" : "no attempt so far", width / 2, (height - axis) / 2 + 4);
    }
  }

  // collect finds the bars of a row that are in the window. Bars thinner than a pixel that
  // would stand on the one before are left out.
  collect(lane, y, row, bars) {
    const { from, to, scale } = this.shown, gap = row > 10 ? 2 : 1, spans = lane.spans;
    let low = 0, high = spans.length;
    while (low < high) { const mid = (low + high) >> 1; if (spans[mid].ended < from) low = mid + 1; else high = mid; }
    let last = -1;
    for (let i = low; i < spans.length && spans[i].begun <= to; i++) {
      const s = spans[i], x = left + Math.max(0, (s.begun - from) * scale), end = left + (s.ended - from) * scale;
      if (end - x < 0.7 && end - last < 0.7 && s.how === "succeeded") continue;
      last = end;
      const w = end - x > 3 ? end - x - 1 : Math.max(0.8, end - x);
      bars[s.how].push([x, y + gap / 2, w, row - gap]);
    }
  }

  renderRunning(pen, c, rows, first, last) {
    const { row, from, scale, scroll } = this.shown, gap = row > 10 ? 2 : 1;
    const now = this.model.now() - this.submitted, perWorker = new Map();
    for (const s of this.model.running.values()) {
      if (!perWorker.has(s.worker)) perWorker.set(s.worker, []);
      perWorker.get(s.worker).push(s);
    }
    pen.fillStyle = c.open;
    for (let i = first; i < last; i++) {
      const lane = rows[i], spans = perWorker.get(lane.worker);
      if (!spans) continue;
      spans.sort((a, b) => a.begun - b.begun);
      const s = spans[lane.slot];
      if (!s) continue;
      const begun = Math.max(s.begun, lane.last), x = left + Math.max(0, (begun - from) * scale);
      lane.now = s;
      pen.fillRect(x, i * row - scroll + gap / 2, Math.max(1, left + (now - from) * scale - x), row - gap);
    }
  }

  renderNames(pen, c, rows, first, last) {
    const { row, scroll } = this.shown;
    pen.fillStyle = c.panel;
    pen.fillRect(0, 0, left - 6, this.shown.height);
    pen.textAlign = "left";
    let lastWorker = -1, lastY = -99;
    for (let i = first; i < last; i++) {
      const y = i * row - scroll;
      if (rows[i].worker === lastWorker || y - lastY < 13) continue;
      lastWorker = rows[i].worker;
      lastY = y;
      const w = this.model.workers[lastWorker];
      pen.fillStyle = c.text;
      pen.fillText(clip(w?.owner || short(w?.node_id), left < 100 ? 9 : 15), 0, y + Math.min(row, 20) / 2 + 4);
    }
  }

  renderAxis(pen, c, { from, to, scale, width, height }) {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400].map((s) => s * 1000);
    const step = steps.find((s) => s * scale >= 76) || 86400e3;
    pen.textAlign = "center";
    pen.strokeStyle = c.line;
    pen.lineWidth = 1;
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      const x = Math.round(left + (t - from) * scale) + 0.5;
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, height - axis + 5);
      pen.stroke();
      if (x > width - 20) continue;
      pen.fillStyle = c.muted;
      pen.fillText(step < 1000 ? (t / 1000).toFixed(1) + " s" : duration(t), x, height - 7);
    }
  }

  at(e) {
    if (!this.shown) return null;
    const { rows, row, from, scale } = this.shown, box = this.canvas.getBoundingClientRect();
    const lane = rows[Math.floor((e.clientY - box.top + this.box.scrollTop) / row)];
    if (!lane || e.clientY - box.top > this.shown.height - axis) return null;
    const t = from + (e.clientX - box.left - left) / scale, slack = 2 / scale;
    const found = lane.spans.find((s) => s.begun - slack <= t && t <= s.ended + slack);
    if (found) return found;
    return lane.now && t >= Math.max(lane.now.begun, lane.last) - slack ? lane.now : null;
  }

  point(e) {
    const s = this.at(e);
    if (!s) { tip(""); return; }
    const w = this.model.workers[s.worker], took = (s.ended || this.model.now() - this.submitted) - s.begun;
    const words = { succeeded: "a result", failed: "the program failed", killed: "killed at a limit", void: "lost or given back" };
    tip("task " + s.task + ", " + (s.ended ? words[s.how] : "running") + "\n" + (took < 1000 ? Math.round(took) + " ms" : duration(took)) + " on " + w.owner + " " + short(w.node_id), e.clientX, e.clientY);
  }
}

const clip = (s, n) => (s && s.length > n ? s.slice(0, n - 1) + "…" : s || "");
