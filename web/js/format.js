// How figures are written.

export const count = (n) => Number(n || 0).toLocaleString("en-GB");

const scaled = (n, base, units, digits) => {
  let i = 0;
  for (; n >= base && i < units.length - 1; i++) n /= base;
  return (i === 0 ? Math.round(n) : n.toFixed(n < 10 ? digits : n < 100 ? Math.min(1, digits) : 0)) + units[i];
};
export const bytes = (n) => scaled(Number(n || 0), 1024, [" B", " KiB", " MiB", " GiB", " TiB"], 1);
export const fuel = (n) => scaled(Number(n || 0), 1000, ["", " k", " M", " G", " T", " P", " E"], 1);

export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min" + (s < 600 && s % 60 ? " " + (s % 60) + " s" : "");
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h" + (Math.floor(s / 60) % 60 ? " " + (Math.floor(s / 60) % 60) + " min" : "");
  return Math.round(s / 86400) + " days";
}
export const ago = (stamp) => stamp ? duration(Date.now() - Date.parse(stamp)) + " ago" : "";
export const clock = (stamp) => new Date(stamp).toLocaleTimeString("en-GB");

export function share(p) {
  if (!p) return "0 %";
  if (p >= 0.0995) return Math.round(100 * p) + " %";
  if (p >= 0.001) return (100 * p).toPrecision(2).replace(/\.?0+$/, "") + " %";
  return p.toExponential(1).replace("e-", " × 10⁻").replace(/⁻(\d+)$/, (_, d) => "⁻" + [...d].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")).replace(".0 ", " ");
}
// credibility has its say in how far it is from certain.
export const credibility = (p) => p >= 0.99 && p < 1 ? "1 − " + share(1 - p) : p ? (100 * p).toFixed(1) + " %" : "–";
export const short = (id) => (id || "").slice(0, 8);
export const plural = (n, one, many) => count(n) + " " + (Number(n) === 1 ? one : many || one + "s");
