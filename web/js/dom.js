// Elements from code. Text comes in as text and nothing else: names, reasons and results are
// the words of strangers, and there is no way here to make them HTML.

// h makes an element: h("a.name", { href }, "text", [more]).
export function h(what, props, ...children) {
  const [tag, ...classes] = what.split(".");
  const el = document.createElement(tag || "div");
  if (classes.length) el.className = classes.join(" ");
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(el.style, value);
    else if (key === "dataset") Object.assign(el.dataset, value);
    else if (value === true) el.setAttribute(key, "");
    else el.setAttribute(key, value);
  }
  add(el, children);
  return el;
}

export function add(el, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    el.append(child instanceof Node ? child : String(child));
  }
}

// fill replaces what is in an element.
export function fill(el, ...children) {
  el.replaceChildren();
  add(el, children);
}

// text changes an element's text if it is another: what stays need not be laid out.
export function text(el, value) {
  if (el.textContent !== value) el.textContent = value;
}

// panel is a box with a title.
export function panel(title, ...children) {
  const sub = h("span.sub");
  const body = h("div.body", {}, ...children);
  const box = h("section.panel", { "aria-label": title }, h("header", {}, h("h2", {}, title), sub), body);
  return { box, sub, body };
}

export function empty(title, say, code) {
  return h("div.empty", {}, h("h2", {}, title), h("p", {}, say), code && h("pre", {}, code));
}

export function trouble(err) {
  return h("div.notice.bad", { role: "alert" }, h("strong", {}, err.message), err.next && h("p", {}, err.next));
}

// frame runs draw before the next frame is painted, once however often it is asked.
export function frame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame((now) => { asked = false; draw(now); });
  };
}

// fit gives a canvas as many pixels as it has on the screen, and says how large it is.
export function fit(canvas, height) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || canvas.parentElement?.clientWidth || 300;
  const w = Math.round(width * scale), hh = Math.round(height * scale);
  if (canvas.width !== w || canvas.height !== hh) {
    canvas.width = w;
    canvas.height = hh;
    canvas.style.height = height + "px";
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  return { pen, width, height };
}

// colours are those of the theme.
let palette = null;
export function colours() {
  if (palette) return palette;
  const style = getComputedStyle(document.documentElement);
  palette = {};
  for (const name of ["ground", "panel", "sunk", "line", "edge", "text", "muted", "accent", "focus", "untouched", "open", "accepted", "done", "disputed", "failed", "void"]) {
    palette[name] = style.getPropertyValue("--" + name).trim();
  }
  return palette;
}
export const forgetColours = () => { palette = null; };

// tip shows a few words beside the pointer.
const tipBox = h("div.tip", { hidden: true, role: "tooltip" });
export function tip(say, x, y) {
  if (!tipBox.isConnected) document.body.append(tipBox);
  tipBox.hidden = !say;
  if (!say) return;
  tipBox.textContent = say;
  const box = tipBox.getBoundingClientRect();
  tipBox.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
  tipBox.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18) + "px";
}
