// @ts-check
// Bar chart of a score among those of the reference films, with its words.
import { el } from "./api.js";

const WIDTH = 320;
const HEIGHT = 112;
const TOP = 26;
const FOOT = 18;

/** @typedef {Page.Returned<"GET /films/{film}/look">["models"][number]} Model */

/** Return a score with three digits. */
export const short = (/** @type {number} */ value) => (Math.abs(value) >= 100 || value === 0 ? value.toFixed(0) : Number(value.toPrecision(3)).toString());

/** Return the content of the chart as a sentence. */
export function rankInWords(/** @type {Model} */ model) {
  if (model.score === null) return "This model gave the film no score.";
  return `Score ${short(model.score)}: ${model.sentence}.`;
}

/** Return the chart as SVG; null if there is no reference to show. */
export function distribution(/** @type {Model} */ model) {
  const { histogram } = model.reference;
  if (!histogram || model.score === null) return null;
  const { edges, counts } = histogram;
  const low = edges[0];
  const high = edges[edges.length - 1];
  const x = (/** @type {number} */ value) => 6 + ((value - low) / (high - low)) * (WIDTH - 12);
  const most = Math.max(...counts, 1);
  const base = HEIGHT - FOOT;
  const bars = counts.map((count, i) => {
    const tall = (count / most) * (base - TOP - 4);
    const wide = x(edges[i + 1]) - x(edges[i]);
    return el("svg:rect", { class: "bar-of", x: x(edges[i]) + 0.5, y: base - tall, width: Math.max(0.5, wide - 1), height: tall });
  });
  const marks = [mark(x(model.score), "score", `this film ${short(model.score)}`)];
  if (model.threshold !== null) marks.unshift(mark(x(model.threshold), "threshold", "cleared below", 1));
  return el(
    "svg:svg",
    { class: "chart distribution", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": rankInWords(model) },
    ...bars,
    el("svg:line", { class: "base", x1: 6, x2: WIDTH - 6, y1: base + 0.5, y2: base + 0.5 }),
    model.threshold !== null && x(model.threshold) < WIDTH / 2 ? null : el("svg:text", { class: "tick", x: 6, y: HEIGHT - 4 }, short(low)),
    el("svg:text", { class: "tick", x: WIDTH - 6, y: HEIGHT - 4, "text-anchor": "end" }, short(high)),
    ...marks,
  );
}

/** Return a line with its label, which points inwards near an end. */
function mark(/** @type {number} */ at, /** @type {string} */ kind, /** @type {string} */ words, row = 0) {
  const anchor = at > WIDTH * 0.66 ? "end" : at < WIDTH * 0.34 ? "start" : "middle";
  const y = row ? HEIGHT - 4 : 12;
  return el(
    "svg:g",
    { class: `mark ${kind}` },
    el("svg:line", { x1: at, x2: at, y1: row ? TOP - 2 : 17, y2: HEIGHT - FOOT + (row ? 4 : 0) }),
    el("svg:text", { x: Math.min(WIDTH - 4, Math.max(4, at)), y, "text-anchor": anchor }, words),
  );
}
