// What happened of late in all jobs: disputes, bans, failures, ends.
import { call, poll, stream } from "./api.js";
import { empty, fill, h, text, trouble } from "./dom.js";
import { plural } from "./format.js";
import { eventRow } from "./job.js";
import { running } from "./progress.js";

const looked = 30; // at so many of the latest jobs

export function showEvents(place, signal) {
  const sub = h("span.sub"), body = h("div", {}, h("div.shimmer"), h("div.shimmer"));
  fill(place, h("div.head", {}, h("h1", {}, "Events"), sub), body);
  const events = new Map(), over = new Set();
  let any = false;
  const show = () => {
    const list = [...events.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, 500);
    text(sub, plural(list.length, "event") + " of the latest " + looked + " jobs");
    fill(body, h("section.panel", {}, list.length ? h("div.body", { style: { paddingTop: ".6rem" } }, h("ol.log", { style: { maxHeight: "none" } }, list.map(eventRow))) : empty("Nothing happened so far", "Disputes, bans, failures and the ends of jobs appear here.")));
  };
  poll(4000, async () => {
    const jobs = (await call("JobService/ListJobs", { page_size: looked }, signal)).jobs.filter((j) => !over.has(j.id));
    for (const job of jobs) {
      await first(job.id, signal, (m) => {
        for (const e of m.events || []) events.set(job.id + e.sequence, { ...e, job: job.id });
      });
      if (!running(job)) over.add(job.id);
      if (signal.aborted) return;
    }
    any = true;
    show();
  }, signal, (err) => { if (!any) fill(body, trouble(err)); });
}

// first reads the first message of a job's stream, and lets the rest be.
async function first(id, signal, take) {
  const own = new AbortController();
  const end = () => own.abort();
  signal.addEventListener("abort", end);
  try {
    await stream("JobService/WatchJob", { job_id: id }, (m) => { if (m) { take(m); own.abort(); } }, own.signal);
  } catch { /* a job that was forgotten meanwhile */ } finally { signal.removeEventListener("abort", end); }
}
