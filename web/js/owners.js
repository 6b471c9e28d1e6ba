// The owners behind the workers: what the grid believes of each, how that changed, and why
// some are banned.
import { all, poll } from "./api.js";
import { colours, empty, fill, fit, h, text, trouble } from "./dom.js";
import { count, credibility, fuel, plural } from "./format.js";
import { List } from "./list.js";

export function showOwners(place, signal) {
  const filter = h("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter owners" });
  const sub = h("span.sub"), bans = h("div.stack", { style: { marginBottom: "1.1rem" } }), body = h("div", {}, h("div.shimmer"), h("div.shimmer"));
  fill(place, h("div.head", {}, h("h1", {}, "Owners"), sub, h("span.grow"), filter), bans, body);
  const history = new Map();
  const list = new List({ height: () => innerWidth <= 760 ? 76 : 72, make: makeRow, change: (el, o) => changeRow(el, o, history.get(o.name) || []), label: "Owners" }).attach(signal);
  const titles = h("div.row.owner-row.titles", { "aria-hidden": "true" }, ["Owner", "State", "Believed right", "Over time", "Checks", "Outvoted", "Credit"].map((t, i) => h("span" + (i > 3 ? ".num" : ""), {}, t)));
  const box = h("section.panel", {}, titles, list.box);
  let owners = null;
  const show = () => {
    const word = filter.value.trim().toLowerCase();
    const fits = owners.filter((o) => !word || o.name.toLowerCase().includes(word));
    text(sub, plural(owners.length, "owner") + " of workers");
    if (!fits.length) fill(body, h("section.panel", {}, empty(owners.length ? "No owner fits" : "No worker has joined so far", owners.length ? "None has that in its name." : "An owner appears with the first worker: anthill token create --role worker")));
    else {
      if (box.parentNode !== body) fill(body, box);
      list.show(fits);
    }
    const banned = owners.filter((o) => o.record.banned);
    fill(bans, banned.slice(0, 20).map((o) => h("div.notice.bad", {}, h("strong", {}, o.name + " is banned: "), o.record.banned_reason)));
    bans.hidden = !banned.length;
  };
  filter.addEventListener("input", () => owners && show());
  window.addEventListener("theme", () => owners && show(), { signal });
  poll(5000, async () => {
    owners = ownersOf(await all("NodeService/ListNodes", "nodes", {}, signal));
    show();
    try {
      for (const o of await all("NodeService/ListTrust", "owners", {}, signal)) history.set(o.owner, o.points);
      show();
    } catch { /* older coordinators do not remember, and others do not tell */ }
  }, signal, (err) => { if (!owners) fill(body, trouble(err)); });
}

function ownersOf(nodes) {
  const byName = new Map();
  for (const n of nodes) {
    if (!n.record) continue;
    const o = byName.get(n.owner) || { name: n.owner, record: n.record, nodes: 0 };
    o.nodes++;
    byName.set(n.owner, o);
  }
  return [...byName.values()].sort((a, b) => Number(b.record.credit) - Number(a.record.credit) || a.name.localeCompare(b.name));
}

function makeRow() {
  const el = h("div.row.owner-row", { tabindex: "0" });
  el.parts = { name: h("div.name"), sub: h("div.sub"), chip: h("span.chip"), right: h("div.late"), line: h("canvas.late", { role: "img" }), checks: h("div.num.late"), out: h("div.num.late"), credit: h("div.num.late") };
  const p = el.parts;
  el.append(h("div", {}, p.name, p.sub), h("div", {}, p.chip), p.right, p.line, p.checks, p.out, p.credit);
  return el;
}

function changeRow(el, o, points) {
  const p = el.parts, r = o.record;
  const [word, kind] = r.banned ? ["banned", "bad"] : r.accusers?.length ? ["accused", "warn"] : r.doubts && !Number(r.checks) ? ["in doubt", "warn"] : ["trusted", "good"];
  text(p.name, o.name);
  text(p.sub, plural(o.nodes, "worker") + " · " + fuel(r.fuel) + " fuel");
  text(p.chip, word);
  p.chip.className = "chip " + kind;
  text(p.right, credibility(r.credibility));
  text(p.checks, count(r.checks));
  text(p.out, count(r.outvoted));
  text(p.credit, count(r.credit));
  p.line.setAttribute("aria-label", "how much " + o.name + " was believed over time");
  const key = points.length + " " + (points.at(-1)?.at || "") + document.documentElement.dataset.theme + p.line.clientWidth;
  if (p.line.dataset.key !== key) {
    p.line.dataset.key = key;
    sparkline(p.line, points);
  }
}

// sparkline draws how far an owner is from certain, each power of ten the same height.
function sparkline(canvas, points) {
  if (!canvas.clientWidth) return;
  const { pen, width, height } = fit(canvas, 40), c = colours();
  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = c.line;
  pen.beginPath();
  pen.moveTo(0, height - 4.5);
  pen.lineTo(width, height - 4.5);
  pen.stroke();
  if (!points.length) return;
  const first = Number(points[0].at), last = Math.max(first + 60, Date.now() / 1000);
  const x = (at) => 2 + (width - 6) * (Number(at) - first) / (last - first);
  const y = (q) => height - 5 - (height - 10) * Math.min(1, -Math.log10(Math.max(1 - q, 1e-6)) / 6);
  pen.strokeStyle = points.at(-1).banned ? c.failed : c.accent;
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  pen.beginPath();
  points.forEach((p, i) => {
    if (i === 0) pen.moveTo(x(p.at), y(p.credibility));
    else { pen.lineTo(x(p.at), y(points[i - 1].credibility)); pen.lineTo(x(p.at), y(p.credibility)); }
  });
  const end = points.at(-1);
  pen.lineTo(x(last), y(end.credibility));
  pen.stroke();
  pen.fillStyle = pen.strokeStyle;
  pen.beginPath();
  pen.arc(x(last), y(end.credibility), 2.5, 0, 7);
  pen.fill();
}
