// The page's frame: which view is shown, and the keys.
import { fill, h } from "./dom.js";
import { showEvents } from "./events.js";
import { showJob } from "./job.js";
import { showJobs } from "./jobs.js";
import { showNodes } from "./nodes.js";
import { showOwners } from "./owners.js";
import { showTask } from "./task.js";
import { turn } from "./theme.js";

const main = document.getElementById("main");
let ended = new AbortController(); // of the view that is shown

const views = [
  [/^#\/jobs$/, "jobs", showJobs],
  [/^#\/jobs\/([^/]+)$/, "jobs", showJob],
  [/^#\/jobs\/([^/]+)\/(\d+)$/, "jobs", showTask],
  [/^#\/nodes$/, "nodes", showNodes],
  [/^#\/owners$/, "owners", showOwners],
  [/^#\/events$/, "events", showEvents],
];

function route() {
  ended.abort();
  ended = new AbortController();
  const at = location.hash || "#/jobs";
  for (const [pattern, section, show] of views) {
    const found = at.match(pattern);
    if (!found) continue;
    for (const a of document.querySelectorAll("nav [data-section]")) {
      if (a.dataset.section === section) a.setAttribute("aria-current", "page");
      else a.removeAttribute("aria-current");
    }
    document.title = "Anthill";
    window.scrollTo(0, 0);
    const place = h("div");
    fill(main, place);
    show(place, ended.signal, ...found.slice(1).map(decodeURIComponent));
    return;
  }
  location.replace("#/jobs");
}

function keys() {
  const rows = [["j k ↓ ↑", "next, previous"], ["Enter", "open"], ["Esc", "up"], ["/", "filter"], ["1 2 3 4", "jobs, nodes, owners, events"], ["d", "light or dark"], ["?", "this"]];
  const close = h("button.primary", { type: "button", onclick: () => box.close() }, "Close");
  const box = h("dialog", { "aria-label": "Keys", onclose: () => box.remove() }, h("h2", {}, "Keys"),
    h("dl", {}, rows.map(([key, what]) => [h("dt", {}, key.split(" ").map((k) => [h("kbd", {}, k), " "])), h("dd", {}, what)])),
    h("div.actions", {}, close));
  document.body.append(box);
  box.showModal();
}
document.getElementById("help").addEventListener("click", keys);

const up = () => {
  const at = location.hash.replace(/\/[^/]+$/, "");
  if (at.length > 2) location.hash = at;
};

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  if (e.target.matches("input, textarea, select")) {
    if (e.key === "Escape") e.target.blur();
    return;
  }
  const sections = ["#/jobs", "#/nodes", "#/owners", "#/events"];
  if (e.key >= "1" && e.key <= "4") location.hash = sections[e.key - 1];
  else if (e.key === "/") { e.preventDefault(); document.querySelector("input[type=search]")?.focus(); }
  else if (e.key === "?") keys();
  else if (e.key === "d") turn();
  else if (e.key === "Escape") up();
});

window.addEventListener("hashchange", route);
route();
