// A donor's page: what his worker does, for whom, why it rests, what it may use, what it has
// done, and how it reaches the grid.
import { poll, post } from "./api.js";
import { colours, fill, fit, h, panel, text, tip, trouble } from "./dom.js";
import { bytes, clock, count, duration, fuel, plural, short } from "./format.js";
import { facts } from "./job.js";
import "./theme.js";

const main = document.getElementById("main");
const always = new AbortController().signal;
const step = 300e3, day = 24 * 3600e3;

const chip = h("span.chip"), notices = h("div.stack"), buttons = h("span", { style: { display: "flex", gap: ".5rem", flexWrap: "wrap" } });
const what = facts(["Credit", "Fuel accepted", "Run here today", "Leases"]);
const slots = panel("What runs"), limits = panel("Limits"), grid = panel("The way to the grid"), work = panel("Fuel over time");
const chart = h("canvas", { role: "img", "aria-label": "Fuel that tasks took here, by the hour of the day" });
const name = h("span.sub");
let shown = null;

function ask(wish, seconds) {
  post("/worker/" + wish, { seconds: seconds || 0 }, always).then(show, fail);
}

function fail(err) {
  fill(shown ? notices : main, trouble(err));
  notices.hidden = false;
}

function build() {
  fill(work.body, h("div.plot", {}, chart));
  fill(main,
    h("div.head", {}, h("div", {}, h("h1", {}, "This worker"), name), chip, h("span.grow"), buttons),
    h("div.stack", {}, notices, h("section.panel", { "aria-label": "What it has done" }, what.el), slots.box,
      h("div.columns", {}, h("div.stack", {}, work.box, grid.box), limits.box)));
  for (const event of ["resize", "theme"]) window.addEventListener(event, () => shown && draw(shown.work || []));
  chart.addEventListener("mousemove", point);
  chart.addEventListener("mouseleave", () => tip(""));
}

function show(s) {
  if (!shown) build();
  shown = s;
  const paused = (s.pauses || []).length > 0, byUser = (s.pauses || []).some((p) => p.reason === "paused by the user");
  const busy = s.slots.filter((x) => x.job).length;
  const [word, kind] = paused ? ["paused", "warn"] : s.draining ? ["draining", "warn"] : s.silence ? ["no coordinator answers", "warn"] : busy ? ["working", "running"] : ["ready", "good"];
  text(chip, word);
  chip.className = "chip " + kind;
  text(name, short(s.node) + " · " + s.owner);
  text(document.getElementById("grid"), s.grid);
  tellButtons(byUser, s.draining);
  tellNotices(s);
  tellFigures(s);
  tellSlots(s);
  tellLimits(s);
  tellGrid(s);
  draw(s.work || []);
}

// tellButtons leaves them as they are while they are the same: one may have the focus.
function tellButtons(byUser, draining) {
  const key = byUser + " " + draining;
  if (buttons.dataset.key === key) return;
  buttons.dataset.key = key;
  const button = (say, wish, seconds, kind) => h("button" + (kind || ""), { type: "button", onclick: () => ask(wish, seconds) }, say);
  fill(buttons, byUser || draining ? button("Go on", "resume", 0, ".primary") : [button("Pause for an hour", "pause", 3600, ".primary"), button("Pause", "pause"), button("Finish and rest", "drain")]);
}

function tellNotices(s) {
  const list = (s.pauses || []).map((p) => h("div.notice.warn", {}, h("strong", {}, "Paused: "), p.reason + ", since " + clock(p.since) + (s.until && p.reason === "paused by the user" ? ", until " + clock(s.until) : "")));
  if (s.draining) list.push(h("div.notice.warn", {}, "It finishes what runs, and takes nothing new."));
  if (s.silence) list.push(h("div.notice.warn", {}, h("strong", {}, "No coordinator answers "), "since " + clock(s.silence.since) + ": " + s.silence.why + ". What runs goes on, and is handed in later."));
  fill(notices, list);
  notices.hidden = !list.length;
}

function tellFigures(s) {
  const today = (s.work || []).reduce((sum, w) => ({ n: sum.n + w.attempts, fuel: sum.fuel + w.fuel }), { n: 0, fuel: 0 });
  what.set("Credit", s.earned ? count(s.earned.credit) : "–", s.earned ? "accepted results of " + s.owner : "the grid has not said");
  what.set("Fuel accepted", s.earned ? fuel(s.earned.fuel) : "–", s.earned ? "on all machines" : "");
  what.set("Run here today", plural(today.n, "attempt"), fuel(today.fuel) + " fuel");
  what.set("Leases", count(s.leases), "running or waiting");
}

function tellSlots(s) {
  text(slots.sub, count(s.slots.filter((x) => x.job).length) + " of " + plural(s.slots.length, "slot") + " busy");
  fill(slots.body, h("div.scroll-x", {}, h("table", {}, h("thead", {}, h("tr", {}, ["Slot", "Job", "Task", "Whose", "For"].map((t) => h("th", {}, t)))),
    h("tbody", {}, s.slots.map((x, i) => h("tr", {}, h("td", {}, String(i)), x.job ? [h("td", {}, x.job), h("td", {}, String(x.task)), h("td", {}, x.owner || "–"), h("td", {}, duration(Date.now() - Date.parse(x.since)))] : [h("td", {}, h("span.sub", {}, "idle")), h("td"), h("td"), h("td")]))))));
}

const pairs = (list) => h("table", {}, h("tbody", {}, list.filter(([, v]) => v).map(([k, v]) => h("tr", {}, h("th", { scope: "row" }, k), h("td", {}, v)))));

function tellLimits(s) {
  const l = s.lent || {}, v = s.volume;
  fill(limits.body, pairs([
    ["Tasks at a time", count(l.slots)], ["Memory", l.memory ? bytes(l.memory) : "no limit"], ["Disk", bytes(l.disk)],
    ["Upload", l.up ? bytes(l.up) + " a second" : "no limit"], ["Download", l.down ? bytes(l.down) + " a second" : "no limit"],
    ["This month", v ? bytes(v.used) + " of " + bytes(v.limit) : "no limit"],
    ["Hours", l.hours || "always"], ["While others compute", l.when_idle ? "it rests" : "it goes on, at the lowest priority"], ["On battery", (l.on_battery ? "it works" : "it rests") + (s.power ? "; now on " + s.power : "")],
    ["Only for", (l.only_owners || []).join(", ")], ["Not for", (l.not_owners || []).join(", ")],
  ]), h("p.sub", { style: { paddingTop: ".6rem" } }, "Set where the worker is started: anthill worker --help"));
}

function tellGrid(s) {
  fill(grid.body, pairs([["Coordinator", s.coordinator || "none"], ["In reserve", s.reserve], ["This worker", s.address],
    ...(s.paths || []).map((p) => ["Bytes, " + p.name, bytes(p.in) + " in, " + bytes(p.out) + " out"])]));
}

// draw shows the last day, a bar for each five minutes.
function draw(list) {
  const { pen, width, height } = fit(chart, 130), c = colours(), base = height - 20;
  const last = Math.ceil(Date.now() / step) * step, first = last - day, most = Math.max(1, ...list.map((w) => w.fuel));
  pen.clearRect(0, 0, width, height);
  pen.font = "11px ui-sans-serif, system-ui, sans-serif";
  pen.fillStyle = c.done;
  const x = (at) => width * (at - first) / day;
  for (const w of list) {
    const at = Date.parse(w.from), tall = (base - 14) * w.fuel / most;
    if (at >= first) pen.fillRect(x(at), base - Math.max(1, tall), Math.max(1, width * step / day - 1), Math.max(1, tall));
  }
  pen.fillStyle = c.line;
  pen.fillRect(0, base, width, 1);
  pen.fillStyle = c.muted;
  pen.textAlign = "center";
  const every = (width < 480 ? 6 : 3) * 3600e3, offset = new Date().getTimezoneOffset() * 60e3;
  for (let at = Math.ceil((first - offset) / every) * every + offset; at < last; at += every) {
    if (x(at) > 16 && x(at) < width - 16) pen.fillText(new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }), x(at), height - 5);
  }
  text(work.sub, list.length ? "at most " + fuel(most) + " in five minutes" : "nothing since the worker started");
}

function point(e) {
  const box = chart.getBoundingClientRect(), last = Math.ceil(Date.now() / step) * step;
  const at = last - day + Math.floor((e.clientX - box.left) / box.width * day / step) * step;
  const w = (shown.work || []).find((w) => Date.parse(w.from) === at);
  tip(w ? clock(w.from) + "\n" + plural(w.attempts, "attempt") + ", " + fuel(w.fuel) + " fuel" : "", e.clientX, e.clientY);
}

fill(main, h("div.shimmer"), h("div.shimmer"));
poll(1000, async () => show(await post("/worker/status", {}, always)), always, fail);
