// All tasks of a job, a cell each, by their index. Only the cells that changed are painted.
import { colours, fit, frame, h, tip } from "./dom.js";
import { taskStates } from "./model.js";

export class TaskMap {
  constructor(model, open) {
    this.model = model;
    this.canvas = h("canvas", { role: "img", tabindex: "0", "aria-label": "Every task, by its index" });
    this.box = h("div.plot", {}, this.canvas);
    this.draw = frame(() => this.render());
    this.dirty = null; // null: all
    this.cursor = -1;
    this.canvas.addEventListener("mousemove", (e) => this.point(e));
    this.canvas.addEventListener("mouseleave", () => tip(""));
    this.canvas.addEventListener("click", (e) => { const i = this.index(e); if (i >= 0) open(i); });
    this.canvas.addEventListener("keydown", (e) => this.key(e, open));
    this.canvas.addEventListener("blur", () => { this.cursor = -1; this.changed(null); tip(""); });
  }

  // changed says which tasks are to be painted anew, null for all.
  changed(tasks) {
    if (tasks === null || this.dirty === null) this.dirty = null;
    else this.dirty.push(...tasks);
    this.draw();
  }

  // layout chooses cells as large as there is room for: whole pixels, never less than one.
  layout() {
    const n = Math.max(1, this.model.states.length), width = this.canvas.clientWidth || 300, room = 230;
    let size = Math.min(18, Math.max(1, Math.floor(Math.sqrt(width * room / n))));
    while (size > 1 && Math.ceil(n / Math.floor(width / size)) * size > room) size--;
    const across = Math.floor(width / size);
    return { size, across, height: Math.ceil(n / across) * size, gap: size > 4 ? 1 : 0 };
  }

  render() {
    const states = this.model.states, at = this.layout();
    const before = this.canvas.width + " " + this.canvas.height;
    const { pen, width, height } = fit(this.canvas, Math.max(18, Math.min(at.height, 2400)));
    const whole = this.dirty === null || before !== this.canvas.width + " " + this.canvas.height;
    this.shown = at;
    const c = colours(), fills = taskStates.map((name) => c[name]);
    if (whole) {
      pen.clearRect(0, 0, width, height);
      // one colour after the other: to change it costs more than to paint
      for (let s = 0; s < fills.length; s++) {
        pen.fillStyle = fills[s];
        for (let i = 0; i < states.length; i++) if (states[i] === s) this.cell(pen, i, at);
      }
    } else {
      for (const i of this.dirty) { pen.fillStyle = fills[states[i]]; this.cell(pen, i, at); }
    }
    this.dirty = [];
    if (this.cursor >= 0) {
      pen.strokeStyle = c.focus;
      pen.lineWidth = 2;
      pen.strokeRect((this.cursor % at.across) * at.size, Math.floor(this.cursor / at.across) * at.size, at.size, at.size);
    }
  }

  cell(pen, i, { size, across, gap }) {
    pen.fillRect((i % across) * size, Math.floor(i / across) * size, size - gap, size - gap);
  }

  index(e) {
    if (!this.shown) return -1;
    const box = this.canvas.getBoundingClientRect(), { size, across } = this.shown;
    const column = Math.floor((e.clientX - box.left) / size);
    const i = Math.floor((e.clientY - box.top) / size) * across + column;
    return column < across && i >= 0 && i < this.model.states.length ? i : -1;
  }

  point(e) {
    const i = this.index(e);
    tip(i < 0 ? "" : "task " + i + ": " + taskStates[this.model.states[i]], e.clientX, e.clientY);
  }

  key(e, open) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.shown?.across, ArrowUp: -this.shown?.across }[e.key];
    if (e.key === "Enter" && this.cursor >= 0) open(this.cursor);
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    this.cursor = Math.max(0, Math.min(this.model.states.length - 1, this.cursor < 0 ? 0 : this.cursor + step));
    const box = this.canvas.getBoundingClientRect(), { size, across } = this.shown;
    tip("task " + this.cursor + ": " + taskStates[this.model.states[this.cursor]], box.left + (this.cursor % across) * size, box.top + Math.floor(this.cursor / across) * size);
    this.changed(null);
  }
}
