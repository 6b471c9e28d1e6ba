// What the page knows of a job's tasks: how far each is, and which worker had it when. It
// takes the messages of WatchTasks.

export const taskStates = ["untouched", "open", "accepted", "done", "disputed", "failed"];
export const endings = { ATTEMPT_ENDING_SUCCEEDED: "succeeded", ATTEMPT_ENDING_FAILED: "failed", ATTEMPT_ENDING_KILLED: "killed", ATTEMPT_ENDING_LOST: "void", ATTEMPT_ENDING_RETURNED: "void" };

const spansKept = 40000;

export class Model {
  states = new Uint8Array(0);
  counts = [0, 0, 0, 0, 0, 0];
  workers = [];
  fetched = []; // by each of them, in bytes: {submitter, coordinators, workers}
  holders = []; // coordinators that have all of the input
  lanes = []; // each {worker, slot, spans}; spans are in the order of time
  running = new Map(); // lease -> {task, worker, begun}
  saboteurs = 0;
  clock = 0; // the grid's time when the last message came, in ms
  heard = 0; // when that was, here
  total = 0; // spans kept
  slots = new Map(); // node -> how many it has

  // reset forgets everything: the stream begins anew.
  reset() {
    Object.assign(this, { states: new Uint8Array(0), counts: [0, 0, 0, 0, 0, 0], workers: [], fetched: [], holders: [], lanes: [], running: new Map(), total: 0, byWorker: [] });
  }
  byWorker = []; // lanes of each worker

  // take says which tasks have changed, null for all.
  take(m) {
    this.clock = Date.parse(m.now);
    this.heard = performance.now();
    this.saboteurs = m.saboteurs || this.saboteurs;
    for (const w of m.workers || []) { this.workers.push(w); this.byWorker.push([]); }
    for (const f of m.fetched || []) {
      const t = f.fetched || {};
      this.fetched[f.worker || 0] = { submitter: Number(t.from_submitter || 0), coordinators: Number(t.from_coordinators || 0), workers: Number(t.from_workers || 0) };
    }
    if (m.holders) this.holders = m.holders.nodes || [];
    for (const a of m.attempts || []) this.attempt(a);
    if (m.states) {
      this.states = bytesOf(m.states);
      this.counts = [0, 0, 0, 0, 0, 0];
      for (const s of this.states) this.counts[s]++;
      return null;
    }
    const now = bytesOf(m.changed_states || "");
    const changed = m.changed || [];
    changed.forEach((task, i) => {
      this.counts[this.states[task]]--;
      this.counts[now[i]]++;
      this.states[task] = now[i];
    });
    return changed;
  }

  attempt(a) {
    const span = { task: a.task, worker: a.worker, begun: Number(a.begun), ended: Number(a.ended), how: endings[a.ending] || "void" };
    if (!span.ended) {
      this.running.set(a.lease, span);
      return;
    }
    this.running.delete(a.lease);
    const lane = this.laneFor(span);
    span.begun = Math.min(Math.max(span.begun, lane.last), span.ended);
    lane.last = span.ended;
    lane.spans.push(span);
    if (++this.total > spansKept) this.forget();
  }

  // laneFor is the slot that an attempt ran in, as far as that can be told: a worker begins
  // with the next when it has ended one.
  laneFor(span) {
    const own = this.byWorker[span.worker];
    let best = null;
    for (const lane of own) if (lane.last <= span.begun && (!best || lane.last > best.last)) best = lane;
    if (best) return best;
    const slots = this.slots.get(this.workers[span.worker]?.node_id) || 1;
    if (own.length >= slots) return own.reduce((a, b) => (a.last <= b.last ? a : b));
    const lane = { worker: span.worker, slot: own.length, spans: [], last: 0 };
    own.push(lane);
    this.lanes = this.byWorker.flat();
    return lane;
  }

  // forget drops the older half of what was kept.
  forget() {
    this.total = 0;
    for (const lane of this.lanes) {
      lane.spans = lane.spans.slice(lane.spans.length >> 1);
      this.total += lane.spans.length;
    }
  }

  // now is the grid's time, in ms.
  now() { return this.clock + performance.now() - this.heard; }
}

function bytesOf(base64) {
  const text = atob(base64), list = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) list[i] = text.charCodeAt(i);
  return list;
}
