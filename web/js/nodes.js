// The machines of the grid.
import { all, poll } from "./api.js";
import { empty, fill, h, text, trouble } from "./dom.js";
import { ago, count, plural, share, short } from "./format.js";
import { List } from "./list.js";

const roles = { ROLE_COORDINATOR: "coordinator", ROLE_WORKER: "worker" };

export function stateOfNode(n) {
  if (n.record?.banned) return ["banned", "bad"];
  if (n.liveness === "LIVENESS_FAILED") return ["not heard of", "warn"];
  if (n.liveness === "LIVENESS_LEFT") return ["left", ""];
  if (n.paused) return ["paused", "warn"];
  if (n.leader) return ["leads", "good"];
  return n.leases ? ["working", "running"] : ["ready", "good"];
}

export function showNodes(place, signal) {
  const filter = h("input", { type: "search", placeholder: "Filter by id, owner or state", "aria-label": "Filter nodes" });
  const sub = h("span.sub"), body = h("div", {}, h("div.shimmer"), h("div.shimmer"));
  fill(place, h("div.head", {}, h("h1", {}, "Nodes"), sub, h("span.grow"), filter), body);
  const list = new List({ height: () => innerWidth <= 760 ? 76 : 64, make: makeRow, change: changeRow, label: "Nodes" }).attach(signal);
  const titles = h("div.row.node-row.titles", { "aria-hidden": "true" }, ["Node", "Role", "State", "Owner", "Slots", "Reliable"].map((t, i) => h("span" + (i > 3 ? ".num" : ""), {}, t)));
  const box = h("section.panel", {}, titles, list.box);
  let nodes = null;
  const show = () => {
    const word = filter.value.trim().toLowerCase();
    const fits = nodes.filter((n) => !word || [n.id, n.owner, n.address, roles[n.role], stateOfNode(n)[0]].join(" ").toLowerCase().includes(word));
    const workers = nodes.filter((n) => n.role === "ROLE_WORKER"), alive = workers.filter((n) => n.liveness === "LIVENESS_ALIVE");
    text(sub, plural(nodes.length - workers.length, "coordinator") + ", " + count(alive.length) + " of " + plural(workers.length, "worker") + " here, " + plural(alive.reduce((s, n) => s + (n.slots || 0), 0), "slot"));
    if (!fits.length) fill(body, h("section.panel", {}, empty(nodes.length ? "No node fits" : "No node", nodes.length ? "None has that in its id, owner or state." : "A worker joins with a token: anthill token create --role worker")));
    else {
      if (box.parentNode !== body) fill(body, box);
      list.show(fits);
    }
  };
  filter.addEventListener("input", () => nodes && show());
  poll(2000, async () => {
    nodes = await all("NodeService/ListNodes", "nodes", {}, signal);
    show();
  }, signal, (err) => { if (!nodes) fill(body, trouble(err)); });
}

function makeRow() {
  const el = h("div.row.node-row", { tabindex: "0" });
  el.parts = { name: h("div.name.mono"), sub: h("div.sub"), role: h("div.late"), chip: h("span.chip"), owner: h("div.name.late"), slots: h("div.num.late"), rel: h("div.num.late") };
  const p = el.parts;
  el.append(h("div", {}, p.name, p.sub), p.role, h("div", {}, p.chip), p.owner, p.slots, p.rel);
  return el;
}

function changeRow(el, n) {
  const p = el.parts, [word, kind] = stateOfNode(n), worker = n.role === "ROLE_WORKER";
  text(p.name, short(n.id));
  text(p.sub, innerWidth <= 760 ? n.owner + " · " + (roles[n.role] || "") + (worker ? " · " + (n.leases || 0) + " leases" : "") : (n.address || "–") + " · since " + ago(n.admitted_at).replace(" ago", ""));
  text(p.role, roles[n.role] || "");
  text(p.chip, word);
  p.chip.className = "chip " + kind;
  text(p.owner, n.owner);
  text(p.slots, worker ? Math.min(n.leases || 0, n.slots || 0) + " / " + (n.slots || 0) : n.voter ? "votes" : "–");
  text(p.rel, worker ? share(n.reliability) : "–");
}
