// The list of jobs.
import { all, poll } from "./api.js";
import { empty, fill, h, text, trouble } from "./dom.js";
import { ago, count, plural, share } from "./format.js";
import { List } from "./list.js";
import { meter, Pace, running, stateOf } from "./progress.js";

const latest = 5; // pages are looked at again and again, so that coordinators have time for others

export function showJobs(place, signal) {
  const filter = h("input", { type: "search", placeholder: "Filter by name, owner or state", "aria-label": "Filter jobs" });
  const sub = h("span.sub");
  const body = h("div", {}, h("div.shimmer"), h("div.shimmer"), h("div.shimmer"));
  fill(place, h("div.head", {}, h("h1", {}, "Jobs"), sub, h("span.grow"), filter), body);

  let jobs = null;
  const paces = new Map();
  const list = new List({ height: () => innerWidth <= 760 ? 84 : 64, make: makeRow, change: (el, job) => changeRow(el, job, paces), label: "Jobs" }).attach(signal);
  const titles = h("div.row.job-row.titles", { "aria-hidden": "true" }, ["Job", "State", "Progress", "Tasks", "Bound", "Left"].map((t, i) => h("span" + (i > 2 ? ".num" : ""), {}, t)));
  const box = h("section.panel", {}, titles, list.box);

  const show = () => {
    const word = filter.value.trim().toLowerCase();
    const fits = jobs.filter((j) => !word || (j.id + " " + j.owner + " " + stateOf(j)[0]).toLowerCase().includes(word));
    text(sub, plural(jobs.length, "job") + ", " + count(jobs.filter(running).length) + " running");
    if (!jobs.length) {
      fill(body, h("section.panel", {}, empty("No job so far", "What you submit appears here, and moves while it runs.", "anthill submit examples/wordcount/job.yaml --wait -o counts")));
    } else if (!fits.length) {
      fill(body, h("section.panel", {}, empty("No job fits", "None of " + plural(jobs.length, "job") + " has “" + filter.value.trim() + "” in its name, owner or state.")));
    } else {
      if (box.parentNode !== body) fill(body, box);
      list.show(fits);
    }
  };
  filter.addEventListener("input", () => jobs && show());
  poll(2000, async () => {
    jobs = await all("JobService/ListJobs", "jobs", {}, signal, latest);
    show();
  }, signal, (err) => { if (!jobs) fill(body, trouble(err)); });
}

function makeRow() {
  const el = h("a.row.job-row", {});
  el.name_ = h("div.name");
  el.sub_ = h("div.sub");
  el.chip = h("span.chip");
  el.meter = meter();
  el.tasks = h("div.num");
  el.bound = h("div.num.late");
  el.left = h("div.num.late.sub");
  el.append(h("div", {}, el.name_, el.sub_), h("div", {}, el.chip), h("div.wide", {}, el.meter.el), el.tasks, el.bound, el.left);
  return el;
}

function changeRow(el, job, paces) {
  el.href = "#/jobs/" + encodeURIComponent(job.id);
  const [word, kind] = stateOf(job);
  text(el.name_, job.id);
  text(el.sub_, job.owner + " · " + ago(job.submitted_at));
  text(el.chip, word);
  el.chip.className = "chip " + kind;
  el.meter.set(job);
  const t = job.tasks;
  text(el.tasks, count((t.done || 0) + (t.failed || 0)) + " / " + count(t.total));
  text(el.bound, job.bound ? share(job.bound) : "–");
  if (!paces.has(job.id)) paces.set(job.id, new Pace());
  text(el.left, running(job) ? paces.get(job.id).eta(job) || "…" : "–");
}
