// How far a job is, and when it will be done.
import { h } from "./dom.js";
import { duration } from "./format.js";

export const states = {
  JOB_STATE_RUNNING: ["running", "running"], JOB_STATE_SUCCEEDED: ["succeeded", "good"],
  JOB_STATE_FAILED: ["failed", "bad"], JOB_STATE_CANCELLED: ["cancelled", ""],
};

export const running = (job) => job.state === "JOB_STATE_RUNNING";

// stateOf is a job's state in a word, and its colour.
export function stateOf(job) {
  const [word, kind] = states[job.state] || ["unknown", ""];
  if (job.state === "JOB_STATE_SUCCEEDED" && job.short) return ["short of its bound", "warn"];
  if (running(job) && job.wait) return ["waiting", "warn"];
  return [word, kind];
}

// parts of a job's tasks, which add up to all.
export function partsOf(job) {
  const t = job.tasks, failed = t.failed || 0, done = t.done || 0;
  const accepted = Math.max(0, (t.accepted || 0) - done);
  const disputed = Math.min(t.disputed || 0, Math.max(0, t.total - done - accepted - failed));
  const open = Math.min(t.running || 0, Math.max(0, t.total - done - accepted - failed - disputed));
  return { done, accepted, open, disputed, failed, untouched: Math.max(0, t.total - done - accepted - failed - disputed - open) };
}

// meter is the bar, and set brings it up to date.
export function meter(tall) {
  const names = ["done", "accepted", "open", "disputed", "failed"];
  const bars = names.map((name) => h("i." + name));
  const el = h("div.meter" + (tall ? ".tall" : ""), { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, bars);
  const set = (job) => {
    const parts = partsOf(job), total = job.tasks.total || 1;
    names.forEach((name, i) => { bars[i].style.width = (100 * parts[name] / total) + "%"; });
    const done = Math.floor(100 * (parts.done + parts.failed) / total);
    el.setAttribute("aria-valuenow", String(done));
    el.setAttribute("aria-label", done + " % of the tasks");
  };
  return { el, set };
}

// portion of a job that is done, by the fuel where that is known.
export function portion(job) {
  const t = job.tasks, settled = (t.done || 0) + (t.failed || 0);
  if (!t.total) return 0;
  const estimate = Number(job.fuel_estimate), used = Number(job.fuel_used) + Number(job.fuel_running);
  if (estimate > 0 && settled < t.total) return Math.min(used / estimate, 0.999);
  return settled / t.total;
}

// Pace tells from how a job went of late when it will be done, as the command does.
export class Pace {
  samples = [];

  eta(job) {
    const done = portion(job), now = Date.now(), settled = (job.tasks.done || 0) + (job.tasks.failed || 0);
    if (!running(job) || done <= 0 || done >= 1) return "";
    if (!this.begun) this.begun = now;
    this.samples.push([now, done]);
    if (this.samples.length > 256) this.samples = this.samples.filter((_, i) => i % 2 === 0);
    const window = Math.max(60e3, (now - this.begun) / 2);
    while (this.samples.length > 2 && now - this.samples[1][0] >= window) this.samples.shift();
    const [at, then] = this.samples[0];
    if ((done < 0.05 && settled < 20) || now - this.begun < 5000 || done <= then) return "";
    return duration((now - at) / (done - then) * (1 - done));
  }
}
