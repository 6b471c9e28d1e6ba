// Light or dark, and whether the page is connected: what every page has in its bar.
import { onLink } from "./api.js";
import { forgetColours, text } from "./dom.js";

function theme(name) {
  document.documentElement.dataset.theme = name;
  forgetColours();
  window.dispatchEvent(new Event("theme"));
}
const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = () => localStorage.getItem("theme");

// turn changes from light to dark, and back.
export function turn() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", next);
  theme(next);
}

theme(kept() || (dark.matches ? "dark" : "light"));
dark.addEventListener("change", () => { if (!kept()) theme(dark.matches ? "dark" : "light"); });
document.getElementById("theme").addEventListener("click", turn);

const link = document.getElementById("link");
onLink((state) => {
  link.dataset.state = state;
  text(link, state === "live" ? "live" : "no answer, trying again");
});
