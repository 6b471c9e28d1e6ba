// Results as they come: pictures as pictures, text as text, tiles put together. Their bytes
// are strangers' and are shown as an image or as text, and never as a part of the page.
import { fill, frame, h, panel, text } from "./dom.js";
import { bytes, count, plural } from "./format.js";
import { isTiles, Mosaic } from "./mosaic.js";

const maxPicture = 16 << 20, maxText = 4096, atOnce = 4;
const DONE = new Set([2, 3]);

const address = (job, task) => "/results/" + encodeURIComponent(job) + "/" + task;

// fetchResult reads a result: all of it if it is a picture or whole is asked, else its beginning.
async function fetchResult(job, task, signal, whole) {
  const response = await fetch(address(job, task), { signal });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).message || "it cannot be had now");
  const type = response.headers.get("Content-Type") || "", size = Number(response.headers.get("Content-Length"));
  const limit = type.startsWith("image/") || whole ? maxPicture : maxText;
  if (type.startsWith("image/") && size > limit) { response.body.cancel(); return { type: "large", size, data: new Uint8Array(0) }; }
  const data = await head(response, Math.min(size, limit));
  return { type, size, data };
}

async function head(response, limit) {
  const reader = response.body.getReader(), data = new Uint8Array(limit);
  let n = 0;
  while (n < limit) {
    const { value, done } = await reader.read();
    if (done) break;
    data.set(value.subarray(0, limit - n), n);
    n += Math.min(value.length, limit - n);
  }
  reader.cancel();
  return data.subarray(0, n);
}

// shown is an element for a result.
function shown(r, signal) {
  if (r.type.startsWith("image/")) {
    const url = URL.createObjectURL(new Blob([r.data], { type: r.type }));
    signal.addEventListener("abort", () => URL.revokeObjectURL(url));
    return h("img", { src: url, alt: "result", decoding: "async" });
  }
  if (r.type === "large") return h("p.sub", {}, "a picture of " + bytes(r.size) + ", too large for here");
  if (r.size === 0) return h("p.sub", {}, "empty");
  return h("pre", {}, asText(r.data) ?? asHex(r.data));
}

function asText(data) {
  try {
    const say = new TextDecoder("utf-8", { fatal: true }).decode(data, { stream: true });
    return /[\u0000-\u0008\u000e-\u001f]/.test(say) ? null : say;
  } catch { return null; }
}

function asHex(data) {
  const lines = [];
  for (let i = 0; i < Math.min(data.length, 256); i += 8) lines.push([...data.subarray(i, Math.min(i + 8, 256))].map((b) => b.toString(16).padStart(2, "0")).join(" "));
  return lines.join("\n");
}

// preview shows one result by itself.
export async function preview(place, job, task, signal) {
  fill(place, h("p.sub", {}, "Fetching it…"));
  try {
    const r = await fetchResult(job, task, signal, false);
    const link = h("p", { style: { paddingTop: ".5rem" } }, h("a", { href: address(job, task), download: job + "-" + task }, "Save"), h("span.sub", {}, " " + bytes(r.size)));
    const view = shown(r, signal);
    if (view.tagName === "IMG") Object.assign(view.style, { maxWidth: "100%" });
    if (r.size > r.data.length && view.tagName === "PRE") view.append("\n…");
    fill(place, view, link);
  } catch (err) {
    if (!signal.aborted) fill(place, h("p.sub", {}, err.message));
  }
}

// Results is the panel of a job: a gallery of which only what can be seen is fetched.
export class Results {
  constructor(job, model, signal) {
    Object.assign(this, { job, model, signal, cache: new Map(), live: new Map(), busy: 0, wanted: [], tasks: [] });
    const { box, sub, body } = panel("Results");
    Object.assign(this, { box, sub, body });
    this.space = h("div.space");
    this.gallery = h("div.gallery", { tabindex: "0", "aria-label": "Results by task" }, this.space);
    this.draw = frame(() => this.render());
    this.gallery.addEventListener("scroll", this.draw, { passive: true });
    window.addEventListener("resize", this.draw, { signal });
    fill(body, h("p.sub", {}, "None so far: each appears when the grid accepts it."));
  }

  refuse(why) { fill(this.body, h("p.sub", {}, why)); }

  // changed says which tasks have changed, null for all.
  changed(tasks) {
    if (tasks && !tasks.some((i) => DONE.has(this.model.states[i]))) return;
    const list = [];
    const states = this.model.states;
    for (let i = 0; i < states.length; i++) if (DONE.has(states[i])) list.push(i);
    this.tasks = list;
    if (!list.length) return;
    text(this.sub, plural(list.length, "result") + " of " + count(states.length));
    if (this.first === undefined) this.begin(list[0]);
    else if (this.mosaic) this.mosaic.want(list);
    else this.draw();
  }

  // begin looks at the first result: it says what kind they are.
  async begin(task) {
    this.first = task;
    try {
      const r = await fetchResult(this.job, task, this.signal, true);
      if (r.type === "application/octet-stream" && isTiles(r.data)) {
        this.mosaic = new Mosaic(async (i) => (await fetchResult(this.job, i, this.signal, true)).data, this.signal);
        fill(this.body, this.mosaic.el);
        this.mosaic.want(this.tasks);
        return;
      }
      this.pictures = r.type.startsWith("image/");
      this.cache.set(task, r);
      fill(this.body, this.gallery);
      this.draw();
    } catch (err) {
      if (this.signal.aborted) return;
      this.first = undefined;
      fill(this.body, h("p.sub", {}, "The first result cannot be shown: " + err.message));
    }
  }

  render() {
    if (this.first === undefined || this.mosaic) return;
    const width = this.gallery.clientWidth || 600, gap = 10;
    const across = Math.max(1, Math.floor((width + gap) / (this.pictures ? 190 : 250)));
    const w = Math.floor((width - gap * (across - 1)) / across), hh = this.pictures ? Math.round(w * 0.8) + 28 : 132;
    const rows = Math.ceil(this.tasks.length / across);
    this.space.style.height = rows * (hh + gap) - gap + "px";
    const top = this.gallery.scrollTop, seen = this.gallery.clientHeight || 620;
    const first = Math.max(0, Math.floor(top / (hh + gap)) - 1) * across, last = Math.min(this.tasks.length, (Math.ceil((top + seen) / (hh + gap)) + 1) * across);
    const keep = new Set();
    this.wanted = [];
    for (let i = first; i < last; i++) {
      const task = this.tasks[i];
      keep.add(task);
      let el = this.live.get(task);
      if (!el) {
        el = h("article.result", {}, h("div.view", {}, h("span.sub", {}, "…")), h("footer", {}, h("a", { href: "#/jobs/" + encodeURIComponent(this.job) + "/" + task }, "task " + task), h("span")));
        this.live.set(task, el);
        this.space.append(el);
        this.put(task);
      }
      Object.assign(el.style, { left: (i % across) * (w + gap) + "px", top: Math.floor(i / across) * (hh + gap) + "px", width: w + "px", height: hh + "px" });
    }
    for (const [task, el] of this.live) if (!keep.has(task)) { el.remove(); this.live.delete(task); }
    for (const task of keep) if (!this.cache.has(task)) this.wanted.push(task);
    this.fetch();
  }

  put(task) {
    const el = this.live.get(task), r = this.cache.get(task);
    if (!el || !r) return;
    fill(el.firstChild, r.error ? h("p.sub", {}, r.error) : shown(r, this.signal));
    text(el.lastChild.lastChild, r.error ? "" : bytes(r.size));
  }

  fetch() {
    while (this.busy < atOnce && this.wanted.length) {
      const task = this.wanted.shift();
      if (this.cache.has(task)) continue;
      this.busy++;
      fetchResult(this.job, task, this.signal, false)
        .then((r) => this.cache.set(task, r), (err) => this.cache.set(task, { error: err.message }))
        .finally(() => {
          this.busy--;
          if (this.signal.aborted) return;
          if (this.cache.size > 400) this.cache.delete(this.cache.keys().next().value);
          this.put(task);
          this.fetch();
        });
    }
  }
}
