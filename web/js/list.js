// A list of any length of which only the rows that can be seen are in the document.
import { fill, frame, h } from "./dom.js";

export class List {
  // make gives a row its element, and change brings an element up to date.
  constructor({ height, make, change, label }) {
    this.height = height;
    this.make = make;
    this.change = change;
    this.items = [];
    this.live = new Map(); // index -> element
    this.space = h("div.space");
    this.box = h("div.virtual", { tabindex: "-1", role: "list", "aria-label": label }, this.space);
    this.draw = frame(() => this.render());
    this.box.addEventListener("scroll", this.draw, { passive: true });
    this.box.addEventListener("keydown", (e) => this.key(e));
  }

  // attach listens to the window while the view lives.
  attach(signal) {
    window.addEventListener("scroll", this.draw, { passive: true, signal });
    window.addEventListener("resize", () => { this.live.clear(); fill(this.space); this.draw(); }, { signal });
    document.addEventListener("keydown", (e) => {
      if (!e.target.matches("input, button, a, canvas") && (e.key === "j" || e.key === "ArrowDown")) this.focus(this.at ?? 0);
    }, { signal });
    return this;
  }

  rowHeight() {
    return typeof this.height === "function" ? this.height() : this.height;
  }

  show(items) {
    this.items = items;
    this.draw();
  }

  range() {
    const row = this.rowHeight(), box = this.box.getBoundingClientRect();
    const scrolls = getComputedStyle(this.box).overflowY !== "visible";
    const top = scrolls ? this.box.scrollTop : Math.max(0, -box.top);
    const height = scrolls ? this.box.clientHeight : innerHeight;
    return [Math.max(0, Math.floor(top / row) - 4), Math.min(this.items.length, Math.ceil((top + (height || innerHeight)) / row) + 4)];
  }

  render() {
    const row = this.rowHeight();
    this.space.style.height = row * this.items.length + "px";
    const [first, last] = this.range();
    for (const [i, el] of this.live) {
      if (i < first || i >= last) { el.remove(); this.live.delete(i); }
    }
    for (let i = first; i < last; i++) {
      let el = this.live.get(i);
      if (!el) {
        el = this.make();
        el.style.top = i * row + "px";
        el.setAttribute("role", "listitem");
        el.dataset.index = i;
        this.live.set(i, el);
        this.space.append(el);
      }
      this.change(el, this.items[i], i);
    }
  }

  key(e) {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e9, End: 1e9 }[e.key];
    if (!step || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    const at = Number(e.target.closest("[data-index]")?.dataset.index ?? -1);
    this.focus(at + step);
  }

  focus(i) {
    i = Math.max(0, Math.min(this.items.length - 1, i));
    this.at = i;
    const row = this.rowHeight();
    if (this.box.scrollHeight > this.box.clientHeight) {
      if (i * row < this.box.scrollTop) this.box.scrollTop = i * row;
      else if ((i + 1) * row > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = (i + 1) * row - this.box.clientHeight;
    }
    this.render();
    this.live.get(i)?.focus();
  }
}
