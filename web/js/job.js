// One job: how far it is, who runs what, what came of it.
import { all, call, poll, Problem, stream } from "./api.js";
import { fill, h, panel, text, trouble } from "./dom.js";
import { ago, bytes, clock, count, duration, fuel, plural, share } from "./format.js";
import { Model, taskStates } from "./model.js";
import { meter, Pace, partsOf, running, stateOf } from "./progress.js";
import { Results } from "./results.js";
import { SwarmMap } from "./swarmmap.js";
import { TaskMap } from "./taskmap.js";
import { TaskStream } from "./taskstream.js";
import { voting } from "./theory.js";

export function showJob(place, signal, id) {
  document.title = id + " – Anthill";
  fill(place, h("div.shimmer"), h("div.shimmer"), h("div.shimmer"));
  let view = null;
  stream("JobService/WatchJob", { job_id: id }, (m) => {
    if (!m) return;
    if (!view) view = new JobView(place, signal, m.job);
    view.update(m.job, m.events || []);
  }, signal).catch((err) => fill(place, trouble(err), h("p", {}, h("a", { href: "#/jobs" }, "All jobs"))));
}

class JobView {
  constructor(place, signal, job) {
    this.id = job.id;
    this.signal = signal;
    this.model = new Model();
    this.pace = new Pace();
    this.events = new Map();
    this.open = (task) => { location.hash = "#/jobs/" + encodeURIComponent(this.id) + "/" + task; };
    this.build(place, job);
    this.watchTasks();
    this.watchSwarm();
    this.findSlots();
  }

  build(place, job) {
    this.chip = h("span.chip");
    this.cancel = h("button.danger", { type: "button", onclick: () => this.askCancel() }, "Cancel job");
    this.when = h("span.sub");
    this.meter = meter(true);
    this.keys = h("div.keys");
    this.notices = h("div.stack");
    this.facts = facts(["Done", "Left", "Results wrong at most", "Executions a task", "Work", "Input copies"]);
    const top = h("section.panel", { "aria-label": "Progress" },
      h("div.body", { style: { paddingTop: "1rem" } }, this.meter.el, h("div", { style: { height: ".7rem" } }), this.keys), this.facts.el);

    this.stream = new TaskStream(this.model, Date.parse(job.submitted_at), this.open);
    const streamBox = panel("Task stream", this.stream.box, h("div.keys", { style: { paddingTop: ".5rem" } },
      [["succeeded", "a result"], ["open", "running"], ["failed", "the program failed"], ["killed", "killed at a limit"], ["void", "lost or given back"]].map(([k, say]) => h("span.key." + k, {}, say))));
    this.streamSub = streamBox.sub;
    const windows = [[60e3, "1 min"], [600e3, "10 min"], [0, "all"]];
    const pick = h("span.choice", { role: "group", "aria-label": "How much time is shown" }, windows.map(([span, say]) => h("button", { type: "button", "aria-pressed": String(span === 0), onclick: (e) => {
      this.stream.span = span;
      for (const b of pick.children) b.setAttribute("aria-pressed", String(b === e.target));
      this.stream.draw();
    } }, say)));
    streamBox.box.firstChild.append(pick);

    this.map = new TaskMap(this.model, this.open);
    const mapBox = panel("Tasks", this.map.box);
    this.mapSub = mapBox.sub;
    this.swarm = new SwarmMap(this.model);
    const swarmBox = panel("Swarm", this.swarm.box);
    this.swarmSub = swarmBox.sub;
    this.disputes = panel("Disputed and failed tasks");
    this.results = new Results(this.id, this.model, this.signal);
    this.sources = panel("Bytes by source");
    this.log = panel("What happened");
    this.list = h("ol.log");
    fill(this.log.body, this.list);
    fill(place,
      h("div.head", {}, h("div", {}, h("div.crumbs", {}, h("a", { href: "#/jobs" }, "Jobs")), h("h1", {}, this.id)), this.chip, h("span.grow"), this.when, this.cancel),
      h("div.stack", {}, this.notices, top, streamBox.box,
        h("div.columns", {}, h("div.stack", {}, this.results.box, mapBox.box, swarmBox.box), h("div.stack", {}, this.disputes.box, this.sources.box, this.log.box))));
    for (const event of ["resize", "theme"]) {
      window.addEventListener(event, () => { this.stream.draw(); this.map.changed(null); this.swarm.draw(); if (this.job) this.update(this.job, []); }, { signal: this.signal });
    }
    const tick = () => { // bars of what runs grow
      if (this.signal.aborted) return;
      if (!document.hidden && !this.stream.finished) this.stream.draw();
      setTimeout(tick, 250);
    };
    tick();
  }

  watchTasks() {
    stream("JobService/WatchTasks", { job_id: this.id }, (m) => {
      if (!m) { this.model.reset(); return; }
      const changed = this.model.take(m);
      if (m.finished) this.stream.finished = true;
      this.map.changed(changed);
      this.stream.draw();
      this.swarm.draw();
      this.results.changed(changed);
      this.tell();
    }, this.signal).catch((err) => {
      const why = err instanceof Problem && err.code === 501 ? "The coordinators are older than this page, and do not tell." : err.message;
      fill(this.stream.box, h("p.sub", {}, why));
      fill(this.map.box, h("p.sub", {}, why));
      this.results.refuse(why);
    });
  }

  // watchSwarm asks who has and sends what, as long as that changes. Coordinators that are
  // older do not tell, and then the map shows flows by source alone.
  watchSwarm() {
    poll(3000, async () => {
      if (this.swarm.over) return;
      const over = this.stream.finished;
      this.swarm.take(await call("JobService/GetSwarm", { job_id: this.id }, this.signal));
      this.swarm.over = over;
    }, this.signal, (err) => { if (err.code === 501) this.swarm.over = true; });
  }

  // findSlots asks how many tasks each worker runs at a time.
  async findSlots() {
    try {
      const nodes = await all("NodeService/ListNodes", "nodes", { role: "ROLE_WORKER" }, this.signal);
      for (const n of nodes) if (n.slots) this.model.slots.set(n.id, n.slots);
    } catch { /* a row a worker is what there is without */ }
  }

  // tell writes what follows from the tasks.
  tell() {
    const c = this.model.counts;
    text(this.mapSub, taskStates.map((name, i) => (c[i] ? count(c[i]) + " " + name : "")).filter(Boolean).join(", "));
    const workers = new Set(this.model.lanes.map((l) => l.worker));
    for (const s of this.model.running.values()) workers.add(s.worker);
    const slots = Math.max(this.model.lanes.length, workers.size);
    if (this.job && this.saboteurs !== this.model.saboteurs) {
      this.saboteurs = this.model.saboteurs;
      this.tellFacts(this.job);
    }
    text(this.streamSub, plural(workers.size, "worker") + ", " + plural(slots, "slot") + ", " + count(this.model.running.size) + " under way");
    text(this.swarmSub, plural(this.model.holders.length, "coordinator") + " with all of the input, " + plural(this.model.fetched.filter(Boolean).length, "worker") + " with pieces");
    this.tellDisputes();
  }

  tellDisputes() {
    const list = [];
    const states = this.model.states;
    for (let i = 0; i < states.length && list.length < 60; i++) if (states[i] >= 4) list.push([i, states[i]]);
    const key = list.join();
    if (key === this.disputed) return;
    this.disputed = key;
    const n = this.model.counts[4] + this.model.counts[5];
    text(this.disputes.sub, n ? count(n) : "");
    const past = this.job?.tasks.disputes || 0;
    fill(this.disputes.body, list.length
      ? h("ul.log", {}, list.map(([i, s]) => h("li", {}, h("a", { href: "#/jobs/" + encodeURIComponent(this.id) + "/" + i }, "task " + i), h("span." + (s === 4 ? "warn" : "bad"), {}, s === 4 ? "results differ" : "failed"))),
        n > list.length && h("li", {}, "", "and " + count(n - list.length) + " more"))
      : h("p.sub", {}, past ? "None now. Attempts at a task came to differ " + plural(past, "time") + ", and that was decided." : "None. Every task on which several workers have voted so far, they agree on."));
  }

  update(job, events) {
    this.job = job;
    const [word, kind] = stateOf(job);
    text(this.chip, word);
    this.chip.className = "chip " + kind;
    this.cancel.hidden = !running(job);
    text(this.when, (running(job) ? "submitted " + ago(job.submitted_at) : "took " + duration(Date.parse(job.finished_at) - Date.parse(job.submitted_at))) + " · " + job.owner);
    this.meter.set(job);
    const parts = partsOf(job), names = { done: "done", accepted: "accepted", open: "running", disputed: "disputed", failed: "failed", untouched: "to come" };
    fill(this.keys, Object.keys(names).filter((k) => parts[k]).map((k) => h("span.key." + k, {}, h("b", {}, count(parts[k])), " " + names[k])));
    this.tellNotices(job);
    this.tellFacts(job);
    this.tellSources(job);
    this.tellEvents(events);
    if (!running(job)) this.stream.finished = true;
  }

  tellNotices(job) {
    const key = [job.state, job.reason, job.waiting, job.short].join("|");
    if (key === this.noticed) return;
    this.noticed = key;
    const list = [];
    if (job.reason) {
      const [line, ...rest] = job.reason.split("\n");
      const failed = (job.failed_tasks || [])[0];
      list.push(h("div.notice" + (job.state === "JOB_STATE_FAILED" ? ".bad" : ""), {}, h("strong", {}, line), rest.length && h("pre", {}, rest.join("\n")),
        failed !== undefined && h("p.sub", {}, "Run it here as there: ", h("code", {}, "anthill task test --from " + this.id + " --task " + failed))));
    }
    if (running(job) && job.waiting) list.push(h("div.notice.warn", {}, h("strong", {}, "Waiting: "), job.waiting));
    if (job.short) list.push(h("div.notice.warn", {}, h("strong", {}, "Short of its bound: "), job.short));
    fill(this.notices, list);
    this.notices.hidden = !list.length;
  }

  tellFacts(job) {
    const t = job.tasks, a = job.attempts, trust = job.spec?.trust || {};
    const settled = (t.done || 0) + (t.failed || 0), closed = (t.accepted || 0) + (t.failed || 0);
    this.facts.set("Done", count(settled) + " of " + count(t.total), t.may_fail ? count(t.failed) + " failed of " + count(t.may_fail) + " that may" : "");
    this.facts.set("Left", running(job) ? this.pace.eta(job) || "no telling yet" : "–", running(job) ? "" : "finished " + ago(job.finished_at));
    const fixed = trust.quorum > 0 || trust.replicas > 0;
    this.facts.set("Results wrong at most", job.bound ? share(job.bound) : "–", fixed ? (trust.replicas === 1 && !trust.quorum ? "machines of one's own" : trust.quorum + " equal results accept") : "asked for: " + share(trust.max_error));
    const each = closed ? Number(a.started) / closed : 0;
    const votes = fixed ? trust.quorum : voting(trust.max_error, this.model.saboteurs);
    this.facts.set("Executions a task", each ? each.toFixed(2) : "–", fixed ? "at least " + (trust.quorum || 1) : votes ? "voting would take " + votes.toFixed(1) : "");
    this.facts.set("Work", fuel(job.fuel_used) + " fuel", Number(job.fuel_estimate) && running(job) ? "of about " + fuel(job.fuel_estimate) : "");
    this.facts.set("Input copies", count(job.input_copies) + " of " + count(job.input_copies_needed), job.input_copies >= job.input_copies_needed ? "the submitter may leave" : "the submitter must stay");
  }

  tellSources(job) {
    const f = job.fetched || {}, list = [["the submitter", Number(f.from_submitter || 0)], ["coordinators", Number(f.from_coordinators || 0)], ["other workers", Number(f.from_workers || 0)]];
    const all = list.reduce((sum, [, n]) => sum + n, 0);
    text(this.sources.sub, all ? bytes(all) + " fetched by workers" : "");
    if (!all) { fill(this.sources.body, h("p.sub", {}, "No worker has fetched anything so far.")); return; }
    const bar = h("div.meter.tall", { role: "img", "aria-label": list.map(([who, n]) => bytes(n) + " from " + who).join(", ") }, list.map(([, n], i) => h("i.s" + i, { style: { width: 100 * n / all + "%" } })));
    fill(this.sources.body, bar, h("div.keys", { style: { paddingTop: ".6rem" } }, list.map(([who, n], i) => h("span.key.s" + i, {}, h("b", {}, bytes(n)), " from " + who))));
  }

  tellEvents(events) {
    for (const e of events) this.events.set(e.sequence, e);
    if (this.events.size === this.listed && this.listed !== undefined) return;
    this.listed = this.events.size;
    const list = [...this.events.values()].sort((a, b) => Number(b.sequence) - Number(a.sequence));
    fill(this.list, list.length ? list.map(eventRow) : h("li", {}, h("span"), h("span.sub", {}, "Nothing worth telling so far: no dispute, no ban, no failure.")));
  }

  askCancel() {
    const say = h("p", {}, "Its workers stop, and what is not done yet will not be. Results that are done remain.");
    const box = h("dialog", { "aria-label": "Cancel job", onclose: () => box.remove() }, h("h2", {}, "Cancel " + this.id + "?"), say,
      h("div.actions", {}, h("button", { type: "button", onclick: () => box.close() }, "Let it run"), h("button.danger", { type: "button", onclick: async () => {
        try { await call("JobService/CancelJob", { job_id: this.id, request_id: "page-" + this.id }); box.close(); } catch (err) { fill(say, trouble(err)); }
      } }, "Cancel job")));
    document.body.append(box);
    box.showModal();
  }
}

const kinds = { EVENT_KIND_DISPUTED: ["dispute", "warn"], EVENT_KIND_BANNED: ["ban", "bad"], EVENT_KIND_FINISHED: ["end", ""], EVENT_KIND_REOPENED: ["reopened", "warn"], EVENT_KIND_CHANGED: ["changed", "warn"], EVENT_KIND_DOUBTED: ["doubt", "warn"], EVENT_KIND_FAILED: ["failed", "bad"] };

// eventRow tells of an event, and of which job it is where that is not plain.
export function eventRow(e) {
  const [word, kind] = kinds[e.kind] || ["event", ""];
  return h("li", {}, h("time", { datetime: e.at, title: new Date(e.at).toLocaleString("en-GB") }, clock(e.at)),
    h("span", {}, h("span.kind" + (kind && "." + kind), {}, word), e.job && [h("a", { href: "#/jobs/" + encodeURIComponent(e.job) }, e.job), " "], e.text));
}

// facts is a row of figures with their names.
export function facts(names) {
  const cells = new Map(names.map((name) => [name, [h("span"), h("div.sub")]]));
  const el = h("dl.facts", {}, names.map((name) => h("div.fact", {}, h("dt", {}, name), h("dd", {}, cells.get(name)))));
  return { el, set(name, value, sub) { text(cells.get(name)[0], value); text(cells.get(name)[1], sub || ""); } };
}

