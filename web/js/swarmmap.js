// The swarm map: who has a job's input, and what flowed from where to which worker.
import { colours, fit, frame, h, tip } from "./dom.js";
import { bytes, short } from "./format.js";

const shownMost = 24; // workers, those that fetched the most
const row = 22, from = ["submitter", "coordinators", "workers"];
const names = { submitter: "the submitter", coordinators: "coordinators", workers: "other workers" };

export class SwarmMap {
  constructor(model) {
    this.model = model;
    this.canvas = h("canvas", { role: "img" });
    this.box = h("div.plot", {}, this.canvas);
    this.draw = frame(() => this.render());
    this.canvas.addEventListener("mousemove", (e) => this.point(e));
    this.canvas.addEventListener("mouseleave", () => tip(""));
  }

  // flows are the workers that have fetched the most; those after them are one row together.
  flows() {
    const all = this.model.fetched.map((f, i) => f && { ...f, name: this.nameOf(this.model.workers[i]), sum: f.submitter + f.coordinators + f.workers }).filter((f) => f && f.sum);
    all.sort((a, b) => b.sum - a.sum);
    if (all.length <= shownMost) return all;
    const rest = { name: "and " + (all.length - shownMost + 1) + " others", submitter: 0, coordinators: 0, workers: 0, sum: 0 };
    for (const f of all.splice(shownMost - 1)) for (const k of [...from, "sum"]) rest[k] += f[k];
    return [...all, rest];
  }

  nameOf(w) { return w ? w.owner + " " + short(w.node_id) : "?"; }

  render() {
    const list = this.flows(), c = colours(), fills = { submitter: c.open, coordinators: c.accent, workers: c.done };
    const { pen, width, height } = fit(this.canvas, Math.max(210, list.length * row + 8));
    const left = Math.min(150, width * 0.32), right = width - Math.min(210, width * 0.4);
    const label = (say, x, y, colour) => { pen.fillStyle = colour || c.text; pen.fillText(clip(say, x > left ? (width - x) / 6.4 : left / 6.4), x, y); };
    pen.clearRect(0, 0, width, height);
    pen.font = "11px ui-sans-serif, system-ui, sans-serif";
    pen.textAlign = "left";
    this.shown = list;
    this.canvas.setAttribute("aria-label", list.length ? "Who fetched from whom: " + list.map((f) => f.name + " " + from.filter((k) => f[k]).map((k) => bytes(f[k]) + " from " + names[k]).join(", ")).join("; ") : "No worker has fetched anything so far");
    const at = { submitter: height * 0.18, coordinators: height * 0.5, workers: height * 0.82 };
    const most = Math.max(1, ...list.flatMap((f) => from.map((k) => f[k])));
    pen.globalAlpha = 0.55;
    list.forEach((f, i) => {
      const y = this.middle(i, list.length, height);
      for (const k of from) {
        if (!f[k]) continue;
        pen.strokeStyle = fills[k];
        pen.lineWidth = 1 + 9 * Math.sqrt(f[k] / most);
        pen.beginPath();
        pen.moveTo(left, at[k]);
        pen.bezierCurveTo((left + right) / 2, at[k], (left + right) / 2, y, right - 6, y);
        pen.stroke();
      }
    });
    pen.globalAlpha = 1;
    for (const k of from) {
      pen.fillStyle = fills[k];
      pen.fillRect(left - 4, at[k] - 14, 5, 28);
      label(names[k], 0, at[k] + 4);
    }
    this.model.holders.slice(0, 3).forEach((n, i) => label("has all: " + short(n.node_id), 0, at.coordinators + 18 + 13 * i, c.muted));
    list.forEach((f, i) => label(f.name + "  " + bytes(f.sum), right, this.middle(i, list.length, height) + 4));
    if (!list.length) label("no worker has fetched anything so far", right - 60, height / 2 + 4, c.muted);
  }

  middle(i, n, height) { return (i + 0.5) * height / n; }

  point(e) {
    const box = this.canvas.getBoundingClientRect(), n = this.shown?.length || 0;
    const f = this.shown?.[Math.floor((e.clientY - box.top) / box.height * n)];
    tip(f && e.clientX - box.left > box.width * 0.4 ? f.name + "\n" + from.map((k) => bytes(f[k]) + " from " + names[k]).join("\n") : "", e.clientX, e.clientY);
  }
}

const clip = (say, n) => (say.length > n ? say.slice(0, Math.max(1, Math.floor(n) - 1)) + "…" : say);
