// The swarm map: who has which parts of a job's input, and what flowed from whom to whom.
import { colours, fit, frame, h, tip } from "./dom.js";
import { bytes, short } from "./format.js";

const shownMost = 24; // workers, those that fetched the most
const arcsMost = 200, partsHigh = 260;
const row = 22, from = ["submitter", "coordinators", "workers"];
const names = { submitter: "the submitter", coordinators: "coordinators", workers: "other workers" };

export class SwarmMap {
  constructor(model) {
    this.model = model;
    this.marked = -1;
    this.canvas = h("canvas", { role: "img" });
    this.parts = h("canvas", { role: "img" });
    this.legend = h("p.sub", { hidden: true }, "Parts of the input that each of these workers has; above them how many have each.");
    this.box = h("div.plot", {}, this.canvas, this.legend, this.parts);
    this.told = { nodes: [], parts: [], flows: [] };
    this.draw = frame(() => this.render());
    this.canvas.addEventListener("mousemove", (e) => this.point(e));
    this.canvas.addEventListener("mouseleave", () => { tip(""); this.mark(-1); });
    this.parts.addEventListener("mousemove", (e) => this.pointParts(e));
    this.parts.addEventListener("mouseleave", () => tip(""));
  }

  // take has what GetSwarm tells: who sent how much to whom, and who has which parts.
  take(m) {
    const sent = new Map(); // to -> bytes that are known to have come from workers
    const workers = new Set(this.model.workers.map((w) => w.node_id));
    this.told = { nodes: m.nodes || [], parts: (m.parts || []).map((p) => ({ node: p.node || 0, parts: bytesOf(p.parts || "") })), flows: [] };
    for (const f of m.flows || []) {
      const a = this.told.nodes[f.from || 0], b = this.told.nodes[f.to || 0];
      if (!a || !b || !workers.has(a.node_id)) continue; // coordinators and submitters are told by their roles
      this.told.flows.push({ from: a.node_id, to: b.node_id, bytes: Number(f.bytes) });
      sent.set(b.node_id, (sent.get(b.node_id) || 0) + Number(f.bytes));
    }
    this.sent = sent;
    this.draw();
  }

  // flows are the workers that have fetched the most; those after them are one row together.
  flows() {
    const all = this.model.fetched.map((f, i) => f && { ...f, node: this.model.workers[i]?.node_id, name: this.nameOf(this.model.workers[i]), sum: f.submitter + f.coordinators + f.workers }).filter((f) => f && f.sum);
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
    const arcs = this.arcs(list), unnamed = list.map((f) => Math.max(0, f.workers - (this.sent?.get(f.node) || 0)));
    this.canvas.setAttribute("aria-label", list.length ? "Who fetched from whom: " + list.map((f) => f.name + " " + from.filter((k) => f[k]).map((k) => bytes(f[k]) + " from " + names[k]).join(", ")).join("; ") + (arcs.length ? ". " + arcs.length + " flows between two workers are known, the largest " + bytes(arcs[0].bytes) : "") : "No worker has fetched anything so far");
    const at = { submitter: height * 0.18, coordinators: height * 0.5, workers: height * 0.82 };
    const most = Math.max(1, ...list.flatMap((f) => from.map((k) => f[k])));
    pen.globalAlpha = 0.55;
    list.forEach((f, i) => {
      const y = this.middle(i, list.length, height);
      for (const k of from) {
        const n = k === "workers" ? unnamed[i] : f[k];
        if (!n) continue;
        pen.strokeStyle = fills[k];
        pen.globalAlpha = this.marked >= 0 && this.marked !== i ? 0.12 : 0.55;
        pen.lineWidth = 1 + 9 * Math.sqrt(n / most);
        pen.beginPath();
        pen.moveTo(left, at[k]);
        pen.bezierCurveTo((left + right) / 2, at[k], (left + right) / 2, y, right - 6, y);
        pen.stroke();
      }
    });
    this.drawArcs(pen, arcs, list.length, { right, height, most, reach: (right - left) * 0.55, colour: fills.workers });
    pen.globalAlpha = 1;
    for (const k of from) {
      if (k === "workers" && !unnamed.some((n) => n)) continue;
      pen.fillStyle = fills[k];
      pen.fillRect(left - 4, at[k] - 14, 5, 28);
      label(names[k], 0, at[k] + 4);
    }
    this.model.holders.slice(0, 3).forEach((n, i) => label("has all: " + short(n.node_id), 0, at.coordinators + 18 + 13 * i, c.muted));
    list.forEach((f, i) => label(f.name + "  " + bytes(f.sum), right, this.middle(i, list.length, height) + 4));
    if (!list.length) label("no worker has fetched anything so far", right - 60, height / 2 + 4, c.muted);
    this.renderParts(c, list);
  }

  // arcs are the largest flows between two workers that have rows of their own.
  arcs(list) {
    const rows = new Map(list.map((f, i) => [f.node, i]));
    return this.told.flows.filter((f) => rows.has(f.from) && rows.has(f.to) && rows.get(f.from) !== rows.get(f.to)).slice(0, arcsMost).map((f) => ({ ...f, a: rows.get(f.from), b: rows.get(f.to) }));
  }

  // drawArcs bends each flow to the left, the farther the longer it is; it ends in a dot where it arrives.
  drawArcs(pen, arcs, n, { right, height, most, reach, colour }) {
    pen.strokeStyle = pen.fillStyle = colour;
    for (const f of arcs) {
      const y1 = this.middle(f.a, n, height), y2 = this.middle(f.b, n, height), bend = right - 12 - reach * Math.sqrt(Math.abs(f.a - f.b) / n);
      pen.globalAlpha = this.marked >= 0 ? (this.marked === f.a || this.marked === f.b ? 0.9 : 0.05) : 0.4;
      pen.lineWidth = 0.75 + 6 * Math.sqrt(f.bytes / most);
      pen.beginPath();
      pen.moveTo(right - 6, y1);
      pen.bezierCurveTo(bend, y1, bend, y2, right - 6, y2);
      pen.stroke();
      pen.beginPath();
      pen.arc(right - 6, y2, Math.min(4, 1.5 + pen.lineWidth / 2), 0, 7);
      pen.fill();
    }
  }

  // renderParts paints a row for each worker and a column for each part: darker is more.
  renderParts(c, list) {
    const order = new Map(list.map((f, i) => [f.node, i]));
    const rows = this.told.parts.filter((p) => p.parts.length).sort((a, b) => (order.get(this.told.nodes[a.node]?.node_id) ?? 1e9) - (order.get(this.told.nodes[b.node]?.node_id) ?? 1e9));
    this.rows = rows;
    this.legend.hidden = this.parts.hidden = !rows.length;
    if (!rows.length) return;
    const columns = Math.max(...rows.map((r) => r.parts.length));
    const { pen, width, height } = fit(this.parts, 22 + Math.min(partsHigh, Math.max(24, rows.length * 12)));
    const sums = new Float64Array(columns);
    const image = new ImageData(columns, rows.length), colour = rgb(c.done);
    rows.forEach((r, y) => {
      for (let x = 0; x < columns; x++) {
        const share = r.parts[Math.floor(x * r.parts.length / columns)];
        sums[x] += share / 255;
        image.data.set([...colour, share], (y * columns + x) * 4);
      }
    });
    const small = document.createElement("canvas");
    [small.width, small.height] = [columns, rows.length];
    small.getContext("2d").putImageData(image, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = c.sunk;
    pen.fillRect(0, 22, width, height - 22);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 22, width, height - 22);
    pen.fillStyle = c.accent;
    for (let x = 0; x < columns; x++) {
      const high = 18 * sums[x] / rows.length;
      pen.fillRect(x * width / columns, 20 - high, Math.max(1, width / columns - 1), high);
    }
    const whole = rows.filter((r) => r.parts.every((s) => s === 255)).length, rare = Math.min(...sums);
    this.parts.setAttribute("aria-label", "Parts of the input: " + rows.length + " workers have some, " + whole + " have all; the rarest part is with " + (rare ? "about " + rare.toFixed(rare < 10 ? 1 : 0) : "none") + " of them");
  }

  pointParts(e) {
    const box = this.parts.getBoundingClientRect(), r = this.rows?.[Math.floor((e.clientY - box.top - 22) / (box.height - 22) * this.rows.length)];
    if (!r) { tip(""); return; }
    const there = r.parts.reduce((sum, s) => sum + s, 0) / 255 / r.parts.length;
    tip(this.nameOf(this.told.nodes[r.node]) + "\nhas " + Math.round(100 * there) + " % of the input", e.clientX, e.clientY);
  }

  // mark lights up what goes to and from one row.
  mark(i) {
    if (this.marked === i) return;
    this.marked = i;
    this.draw();
  }

  middle(i, n, height) { return (i + 0.5) * height / n; }

  point(e) {
    const box = this.canvas.getBoundingClientRect(), n = this.shown?.length || 0;
    const i = Math.floor((e.clientY - box.top) / box.height * n), f = this.shown?.[i];
    this.mark(f && e.clientX - box.left > box.width * 0.4 ? i : -1);
    tip(f && e.clientX - box.left > box.width * 0.4 ? f.name + "\n" + from.map((k) => bytes(f[k]) + " from " + names[k]).join("\n") : "", e.clientX, e.clientY);
  }
}

function bytesOf(base64) { return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)); }

// rgb takes a colour apart, such as #1f883d.
function rgb(hex) { return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)); }

const clip = (say, n) => (say.length > n ? say.slice(0, Math.max(1, Math.floor(n) - 1)) + "…" : say);
