// @ts-check
// SVG chart of lines and bands over a common x: for drift, the audit sample and losses of a training.
import { el } from "./api.js";

export const PLOT_WIDTH = 640;
const LEFT = 58, RIGHT = 16, TOP = 12, BOTTOM = 40;

/** Return round steps between two numbers: 1, 2 or 5 times a power of ten. */
export function ticks(/** @type {number} */ low, /** @type {number} */ high, about = 5) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / about, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw * 0.999) ?? raw;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

function decades(/** @type {number} */ low, /** @type {number} */ high) {
  const found = [];
  for (let p = Math.floor(Math.log10(low)); 10 ** p <= high; p++) {
    for (const f of high / low > 3000 ? [1] : high / low > 50 ? [1, 3] : [1, 2, 5]) if (f * 10 ** p >= low && f * 10 ** p <= high) found.push(f * 10 ** p);
  }
  return found.length > 1 ? found : [low, high];
}

/** Return a short number for an axis. */
export function short(/** @type {number} */ value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(0).replace("e+", "e");
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

/** Report true if a value can be drawn: it is finite, and positive on a logarithmic axis. @returns {v is number} */
function drawable(/** @type {number | null} */ v, /** @type {boolean} */ log) {
  return v !== null && Number.isFinite(v) && (!log || v > 0);
}

/**
 * @typedef {{name: string, values: (number|null)[], kind?: string}} Line     kind: a class, such as c0, rule
 * @typedef {{low: (number|null)[], high: (number|null)[], kind?: string}} Band
 * @param {{x: number[], lines: Line[], bands?: Band[], rules?: {at: number, words: string}[], label: string, xWords: string,
 *   yWords: string, log?: boolean, zero?: boolean, percent?: boolean, dots?: boolean, height?: number, width?: number}} wanted
 */
export function plot({ x, lines, bands = [], rules = [], label, xWords, yWords, log = false, zero = false, percent = false, dots = false, height = 300, width = PLOT_WIDTH }) {
  const all = [...lines.flatMap((l) => l.values), ...bands.flatMap((b) => [...b.low, ...b.high]), ...rules.map((r) => r.at)]
    .filter((v) => drawable(v, log));
  let low = Math.min(...all), high = Math.max(...all);
  if (!all.length) { low = 0; high = 1; }
  if (zero) low = Math.min(0, low);
  if (low === high) { low -= Math.abs(low) * 0.1 || 0.1; high += Math.abs(high) * 0.1 || 0.1; }
  if (log) { low /= 1.1; high *= 1.1; } else { const room = (high - low) * 0.06; high += room; if (!zero) low -= room; }
  const first = Math.min(...x), last = Math.max(...x);
  const across = (/** @type {number} */ v) => LEFT + ((v - first) / (last - first || 1)) * (width - LEFT - RIGHT);
  const scale = log ? Math.log : (/** @type {number} */ v) => v;
  const down = (/** @type {number} */ v) => TOP + (1 - (scale(v) - scale(low)) / (scale(high) - scale(low))) * (height - TOP - BOTTOM);
  const said = (/** @type {number} */ v) => (percent ? `${short(v * 100)} %` : short(v));

  const parts = [];
  for (const v of log ? decades(low, high) : ticks(low, high)) {
    parts.push(el("svg:line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: down(v), y2: down(v) }));
    parts.push(el("svg:text", { class: "tick", x: LEFT - 8, y: down(v) + 4, "text-anchor": "end" }, said(v)));
  }
  for (const v of ticks(first, last, 6)) {
    if (!Number.isInteger(v)) continue;
    parts.push(el("svg:text", { class: "tick", x: across(v), y: height - BOTTOM + 18, "text-anchor": "middle" }, String(v)));
  }
  parts.push(el("svg:text", { class: "axis", x: (LEFT + width - RIGHT) / 2, y: height - 5, "text-anchor": "middle" }, xWords));
  parts.push(el("svg:text", { class: "axis", transform: `translate(13 ${(TOP + height - BOTTOM) / 2}) rotate(-90)`, "text-anchor": "middle" }, yWords));
  for (const { low: lower, high: upper, kind = "" } of bands) {
    const there = x.flatMap((at, i) => {
      const [from, to] = [lower[i], upper[i]];
      return drawable(from, log) && drawable(to, log) ? [{ at, from, to }] : [];
    });
    const around = [...there.map(({ at, to }) => `${across(at)},${down(to)}`), ...there.reverse().map(({ at, from }) => `${across(at)},${down(from)}`)];
    if (around.length > 1) parts.push(el("svg:polygon", { class: `band ${kind}`, points: around.join(" ") }));
  }
  for (const { at, words } of rules) {
    parts.push(el("svg:line", { class: "chance", x1: LEFT, x2: width - RIGHT, y1: down(at), y2: down(at) }));
    parts.push(el("svg:text", { class: "tick", x: width - RIGHT, y: down(at) - 5, "text-anchor": "end" }, words));
  }
  for (const { values, kind = "" } of lines) {
    let path = "", gap = true;
    values.forEach((v, i) => {
      if (!drawable(v, log)) { gap = true; return; }
      path += `${gap ? "M" : "L"}${across(x[i]).toFixed(1)} ${down(v).toFixed(1)}`;
      gap = false;
    });
    parts.push(el("svg:path", { class: `line ${kind}`, d: path }));
    if (dots || values.length === 1) {
      values.forEach((v, i) => drawable(v, log) && parts.push(el("svg:circle", { class: `dot ${kind}`, cx: across(x[i]), cy: down(v), r: 3.2 })));
    }
  }
  return el("svg:svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...parts);
}

/** Return a legend of the lines; with `toggle`, a click hides or shows a line. */
export function legend(/** @type {Pick<Line, "name" | "kind">[]} */ lines, /** @type {((name: string) => void) | null} */ toggle = null, /** @type {Set<string>} */ hidden = new Set()) {
  return el("div", { class: "legend" }, ...lines.map(({ name, kind }) => {
    const mark = el("span", { class: `mark ${kind}`, "aria-hidden": "true" });
    return toggle
      ? el("button", { type: "button", class: "quiet", "aria-pressed": String(!hidden.has(name)), onclick: () => toggle(name) }, mark, name)
      : el("span", {}, mark, name);
  }));
}
