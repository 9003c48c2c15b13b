// @ts-check
// Charts of the comparison page (ROC, intervals, spread) as SVG, element by element; colours, dashes and type come from compare.css, so that light and dark follow the
// page. Models are the classes m0 … m5: distinguished by colour and by dashes.
import { el } from "./api.js";
import { binned, short } from "./compare_operating.js";
import { numberOf } from "./numbers.js";
import { whole } from "./percent_words.js";

const ROC = { side: 380, left: 44, top: 10, right: 10, bottom: 42 };
const SPREAD = { width: 620, height: 176, left: 46, top: 30, right: 14, bottom: 40 };
export const ROC_WIDTH = ROC.left + ROC.side + ROC.right;
export const SPREAD_WIDTH = SPREAD.left + SPREAD.width + SPREAD.right;
export const MOST_BANDS = 3; // with more curves, only the band of the curve that has the operating point is shown
const points = (/** @type {number[][]} */ pairs) => pairs.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

function chart(/** @type {number} */ width, /** @type {number} */ height, /** @type {string} */ label, /** @type {Page.Child[]} */ ...children) {
  return el("svg:svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...children);
}

function words(/** @type {number} */ x, /** @type {number} */ y, /** @type {string | number} */ text, { anchor = "middle", kind = "tick", turned = false } = {}) {
  const place = turned ? { transform: `translate(${x} ${y}) rotate(-90)` } : { x, y };
  return el("svg:text", { class: kind, "text-anchor": anchor, ...place }, text);
}

/** Return a line sample for a model, as in the legend of a chart. */
export function swatch(/** @type {number | undefined} */ place) {
  const line = el("svg:path", { class: `line m${place}`, d: "M1 6H27" });
  return el("svg:svg", { class: "swatch", viewBox: "0 0 28 12", "aria-hidden": "true" }, line);
}

/**
 * Return a chart of ROC curves with their bands. `operate(place, x, y)` moves the operating point of a model there.
 * @typedef {Page.Returned<"GET /compare/metrics">} Metrics
 * @typedef {{ value: number | null, low: number | null, high: number | null, reason: string }} Figure
 * @param {{ name: string, place: number, auroc: Figure, roc: Metrics["roc"] }[]} curves
 * @param {number} width
 */
export function rocChart(curves, width = ROC_WIDTH) {
  const { left, top, right, bottom } = ROC;
  const side = width - left - right;
  const at = (/** @type {number} */ x, /** @type {number} */ y) => [left + x * side, top + (1 - y) * side];
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    el("svg:path", { class: "grid", d: `M${at(share, 0)}V${top}M${at(0, share)}H${left + side}` }),
    words(at(share, 0)[0], top + side + 17, share),
    words(left - 8, at(0, share)[1] + 4, share, { anchor: "end" }),
  ]);
  const bands = curves.map(({ place, roc }) => {
    const x = roc.false_positive_rate;
    const edge = [...x.map((v, i) => at(v, roc.high[i])), ...x.map((v, i) => at(v, roc.low[i])).reverse()];
    return el("svg:polygon", { class: `band m${place}`, points: points(edge) });
  });
  const lines = curves.map(({ place, roc }) =>
    el("svg:polyline", { class: `line m${place}`, points: points(roc.false_positive_rate.map((v, i) => at(v, roc.sensitivity[i]))) }));
  const point = el("svg:circle", { class: "point", r: 6, hidden: true });
  const response = curves.map(({ name, auroc }) => `${name}: area ${figure(auroc)}`).join("; ");
  const svg = chart(
    left + side + right, top + side + bottom, `ROC curves with 95 % bands. ${response}.`,
    ...grid, el("svg:path", { class: "chance", d: `M${at(0, 0)}L${at(1, 1)}` }), ...bands, ...lines, point,
    words(left + side / 2, top + side + 37, "1 − specificity", { kind: "axis" }),
    words(12, top + side / 2, "sensitivity", { kind: "axis", turned: true }),
  );
  return {
    svg,
    operate(/** @type {number} */ place, /** @type {number} */ x, /** @type {number} */ y) {
      const [cx, cy] = at(x, y);
      for (const band of bands) band.toggleAttribute("hidden", curves.length > MOST_BANDS && !band.classList.contains(`m${place}`));
      point.setAttribute("class", `point m${place}`);
      point.setAttribute("cx", String(cx));
      point.setAttribute("cy", String(cy));
      point.removeAttribute("hidden");
    },
  };
}

/**
 * Return a chart of both classes' scores with a threshold. A drag calls `dragged(score)` at each step and `dropped()` at its end.
 * `move(score)` moves the threshold.
 * @param {{ normal: ArrayLike<number> & Iterable<number>, abnormal: ArrayLike<number> & Iterable<number> }} scores
 * @param {{ low: number, high: number, dragged: (score: number) => void, dropped: () => void }} scale
 * @param {number} chartWidth
 */
export function spreadChart({ normal, abnormal }, { low, high, dragged, dropped }, chartWidth = SPREAD_WIDTH) {
  const { height, left, top, right, bottom } = SPREAD;
  const width = chartWidth - left - right;
  const count = Math.round(Math.min(40, Math.max(10, 2 * Math.sqrt(normal.length + abnormal.length))));
  const shares = { normal: binned(normal, low, high, count), abnormal: binned(abnormal, low, high, count) };
  const most = Math.max(...shares.normal, ...shares.abnormal, 1e-9);
  const x = (/** @type {number} */ score) => left + ((score - low) / (high - low)) * width;
  const y = (/** @type {number} */ share) => top + (1 - (share / most) * 0.96) * height;
  const base = top + height;
  const areas = /** @type {const} */ (["normal", "abnormal"]).map((label) => {
    const steps = shares[label].flatMap((share, i) => [
      [left + (i / count) * width, y(share)], [left + ((i + 1) / count) * width, y(share)],
    ]);
    return el("svg:polygon", { class: `area ${label}`, points: points([[left, base], ...steps, [left + width, base]]) });
  });
  const axis = ticks(low, high).flatMap((score) => [
    el("svg:path", { class: "grid", d: `M${x(score).toFixed(1)} ${base}v5` }), words(x(score), base + 19, short(score)),
  ]);
  const shade = el("svg:rect", { class: "shade", x: left, y: top, height, width: 0 });
  const line = el("svg:path", { class: "threshold", d: `M0 ${top - 8}V${base}` });
  const knob = el("svg:path", { class: "knob", d: `M-9 ${top - 22}h18v10l-9 9l-9 -9z` });
  const sides = [
    words(-16, top - 9, "← cleared", { anchor: "end", kind: "key" }), words(16, top - 9, "read →", { anchor: "start", kind: "key" }),
  ];
  const handle = el("svg:g", { class: "handle" }, line, knob, ...sides);
  const hold = el("svg:rect", { class: "hold", x: left - 12, y: 0, width: width + 24, height: base + 4 });
  const svg = chart(
    left + width + right, base + bottom,
    `Scores of ${normal.length} normal and ${numberOf(abnormal.length, "abnormal film")}, as shares of each class, from ${short(low)} to ${short(high)}.`,
    el("svg:path", { class: "grid", d: `M${left} ${base}h${width}M${left} ${y(most)}h${width}` }),
    words(left - 8, y(most) + 4, whole(most), { anchor: "end" }), words(left - 8, base + 4, "0", { anchor: "end" }),
    shade, ...areas, ...axis, words(left + width / 2, base + 36, "score", { kind: "axis" }), handle, hold,
  );
  const follow = (/** @type {PointerEvent} */ event) => {
    const frame = svg.getBoundingClientRect();
    const across = ((event.clientX - frame.left) / frame.width) * (left + width + right);
    dragged(low + Math.min(1, Math.max(0, (across - left) / width)) * (high - low));
  };
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    event.preventDefault();
    follow(event);
  });
  hold.addEventListener("pointermove", (event) => { if (hold.hasPointerCapture(event.pointerId)) follow(event); });
  for (const end of ["pointerup", "pointercancel"]) hold.addEventListener(end, () => dropped());
  return {
    svg,
    move(/** @type {number} */ score) {
      const at = x(Math.min(high, Math.max(low, score)));
      handle.setAttribute("transform", `translate(${at.toFixed(1)} 0)`);
      shade.setAttribute("width", Math.max(0, at - left).toFixed(1));
      sides[0].toggleAttribute("hidden", at < left + 60);
      sides[1].toggleAttribute("hidden", at > left + width - 40);
    },
  };
}

/**
 * Return a chart of a value with its interval on an axis from `low` to `high`, with a line at `mark`.
 * @param {{ value: number, low: number, high: number }} shown
 * @param {{ low: number, high: number, mark: number, kind?: string }} axis
 */
export function whisker({ value, low: from, high: to }, { low, high, mark, kind = "" }) {
  const x = (/** @type {number} */ v) => 4 + 192 * Math.min(1, Math.max(0, (v - low) / (high - low)));
  return el(
    "svg:svg", { class: `chart whiskers ${kind}`, viewBox: "0 0 200 16", "aria-hidden": "true" },
    el("svg:path", { class: "grid", d: "M4 8H196" }), el("svg:path", { class: "mark", d: `M${x(mark)} 1V15` }),
    el("svg:path", { class: "reach", d: `M${x(from)} 8H${x(to)}` }), el("svg:circle", { class: "dot", cx: x(value), cy: 8, r: 4.5 }),
  );
}

/** Return a chart of two models' ranks of a film on one line from 0 to 100 %. */
export function ranks(/** @type {number} */ first, /** @type {number} */ second, /** @type {number[]} */ places) {
  const x = (/** @type {number} */ rank) => (6 + 88 * rank).toFixed(1);
  return el(
    "svg:svg", { class: "chart ranks", viewBox: "0 0 100 12", "aria-hidden": "true" },
    el("svg:path", { class: "grid", d: "M6 6H94" }), el("svg:path", { class: "reach", d: `M${x(first)} 6H${x(second)}` }),
    el("svg:circle", { class: `dot m${places[0]}`, cx: x(first), cy: 6, r: 4 }),
    el("svg:rect", { class: `dot m${places[1]}`, x: Number(x(second)) - 3.6, y: 2.4, width: 7.2, height: 7.2 }),
  );
}

/** Return a value with its interval, "0.82 (0.78 to 0.86)", or the reason why there is none. */
export function figure(/** @type {Figure} */ { value, low, high, reason }) {
  return value === null || low === null || high === null ? reason : `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** Return about five round scores from `low` to `high`. */
function ticks(/** @type {number} */ low, /** @type {number} */ high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(Number((n * step).toPrecision(12)));
  return found;
}
