// One task: who tried it, what each of them said, and what the grid concludes.
import { call, poll } from "./api.js";
import { fill, h, panel, text, trouble } from "./dom.js";
import { bytes, credibility, fuel, short } from "./format.js";
import { facts } from "./job.js";
import { showLogs } from "./logs.js";
import { preview } from "./results.js";

const chips = { accepted: "good", failed: "bad", disputed: "warn", running: "running" };
const states = { voted: "good", outvoted: "bad", killed: "warn", lost: "warn", running: "running", paused: "warn" };

export function showTask(place, signal, id, task) {
  task = Number(task);
  document.title = "task " + task + " of " + id + " – Anthill";
  const to = (i) => "#/jobs/" + encodeURIComponent(id) + "/" + i;
  const chip = h("span.chip");
  const what = facts(["Believed right", "Result", "Fuel", "Attempts"]);
  const said = panel("Who said what"), logs = panel("Logs"), result = panel("Result"), reason = h("div.stack");
  fill(place,
    h("div.head", {}, h("div", {}, h("div.crumbs", {}, h("a", { href: "#/jobs" }, "Jobs"), " / ", h("a", { href: "#/jobs/" + encodeURIComponent(id) }, id)), h("h1", {}, "Task " + task)), chip, h("span.grow"),
      task > 0 && h("a", { href: to(task - 1) }, "← " + (task - 1)), h("a", { href: to(task + 1) }, task + 1 + " →")),
    h("div.stack", {}, reason, h("section.panel", {}, h("div.body", { style: { paddingTop: ".9rem" } }, h("span.sub", {}, "Run it here exactly as there: "), h("code", {}, "anthill task test --from " + id + " --task " + task)), what.el),
      said.box, h("div.columns", {}, result.box, logs.box)));
  showLogs(logs.body, id, task, signal);
  let before = "";
  poll(2000, async () => {
    const t = await call("JobService/GetTask", { job_id: id, task }, signal);
    text(chip, t.verdict);
    chip.className = "chip " + (chips[t.verdict] || "");
    const accepted = (t.groups || [])[0];
    what.set("Believed right", t.credibility ? credibility(t.credibility) : "–");
    what.set("Result", t.output ? bytes(t.output.size) : "none", t.output ? short(t.output.id) : "");
    what.set("Fuel", accepted && Number(accepted.fuel) ? fuel(accepted.fuel) : "–");
    what.set("Attempts", String(t.attempts.length));
    const now = JSON.stringify(t);
    if (now === before) return;
    fill(said.body, attempts(t));
    fill(reason, t.reason && h("div.notice.bad", {}, h("strong", {}, t.reason.split("\n")[0]), t.reason.includes("\n") && h("pre", {}, t.reason.split("\n").slice(1).join("\n"))));
    const old = before && JSON.parse(before).output?.id;
    if (!before || old !== t.output?.id) {
      if (t.output) preview(result.body, id, task, signal);
      else fill(result.body, h("p.sub", {}, t.verdict === "failed" ? "It has none: the task failed." : "It has none so far."));
    }
    before = now;
  }, signal, (err) => { if (!before) fill(place, trouble(err), h("p", {}, h("a", { href: "#/jobs/" + encodeURIComponent(id) }, "The job"))); });
}

function attempts(t) {
  if (!t.attempts.length) return h("p.sub", {}, "No worker has had it so far.");
  const groups = new Map((t.groups || []).map((g) => [g.group, g]));
  const answer = (a) => {
    const g = groups.get(a.group);
    if (!g || !["voted", "outvoted"].includes(a.state)) return "–";
    return g.failed ? "fails with code " + g.exit_code : bytes(g.output?.size) + " " + short(g.output?.id);
  };
  return h("div.scroll-x", {}, h("table", {}, h("thead", {}, h("tr", {}, ["Owner", "Worker", "State", "Said", "Believed right", "Why"].map((n) => h("th", {}, n)))),
    h("tbody", {}, t.attempts.map((a) => h("tr", {}, h("td", {}, a.owner), h("td.mono", {}, short(a.node_id)), h("td", {}, h("span.chip." + (states[a.state] || "none"), {}, a.state)), h("td.mono", {}, answer(a)), h("td", {}, a.credibility ? credibility(a.credibility) : "–"), h("td", {}, (a.reason || "").split("\n")[0]))))));
}
