// The logs of attempts that failed or are disputed.
import { stream } from "./api.js";
import { add, fill, h } from "./dom.js";
import { clock, short } from "./format.js";

const endings = { ATTEMPT_ENDING_SUCCEEDED: "gave a result", ATTEMPT_ENDING_FAILED: "failed", ATTEMPT_ENDING_KILLED: "was killed", ATTEMPT_ENDING_LOST: "was lost", ATTEMPT_ENDING_RETURNED: "was given back" };

// showLogs writes the logs of a task into an element.
export function showLogs(place, job, task, signal) {
  let any = false;
  fill(place, h("p.sub", {}, "Looking for logs…"));
  stream("JobService/StreamLogs", { job_id: job, task }, (log) => {
    if (!log) return;
    if (!any) fill(place);
    any = true;
    add(place, [h("div.attempt-log", {}, h("div", {}, h("strong", {}, log.owner + " " + short(log.node_id)), " " + (endings[log.ending] || "ended") + (log.ending === "ATTEMPT_ENDING_FAILED" ? " with code " + log.exit_code : ""), h("span.sub", {}, " at " + clock(log.at))),
      log.difference && h("p.difference", {}, "Differs from " + log.difference.owner + " " + short(log.difference.node_id) + ": ", h("code", {}, log.difference.text)), h("pre", {}, decode(log.text)))]);
  }, signal).then(() => {
    if (!any && !signal.aborted) fill(place, h("p.sub", {}, "No attempt at this task that failed, or is disputed, has written anything to stderr."));
  }, (err) => fill(place, h("p.sub", {}, err.code === 501 ? "The coordinators are older than this page, and keep no logs." : err.message)));
}

function decode(base64) {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))) || "(it wrote nothing)";
}
