// @ts-check
// Result of a visual Turing test: share of right answers with its interval, and every image.

import { el } from "./api.js";
import { date } from "./dates.js";
import { whole } from "./percent_words.js";

/** @typedef {Page.Returned<"GET /turing/rounds/{number}/result">} Result  @typedef {Result["all"]} Share */

const interval = (/** @type {Share} */ share) => (share.value === null || share.low === null || share.high === null ? "" : `${whole(share.value)} (${whole(share.low)} to ${whole(share.high)})`);

/** Return the elements of a result; `another` is the button for the next round. */
export function resultOf(/** @type {Result} */ result, /** @type {HTMLElement} */ another) {
  const { all } = result;
  return [
    el(
      "div",
      { class: "card verdict" },
      el("p", { class: "number", id: "result-title" }, `${all.right} of ${all.of}`, el("small", {}, "right")),
      el(
        "div",
        {},
        drawn(all),
        el("p", { class: "words" }, result.words.replaceAll(" %", "\u00a0%")),
        el("p", { class: "soft small" }, "Exact 95 % interval of Clopper and Pearson. Kept in the audit trail."),
      ),
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, el("td"), ...["right", "share (95 % interval)"].map((word) => el("th", { scope: "col" }, word)))),
        el("tbody", {}, row("Real films", result.real), row("Generated images", result.generated)),
      ),
      another,
    ),
    el("h2", {}, "The images"),
    el("ol", { class: "gallery" }, ...result.pictures.map((one) => revealed(result.round, one))),
  ];
}

/** @typedef {Page.Returned<"GET /turing/results">["rounds"][number]} Round */

/** Return a table of earlier rounds. */
export function roundsOf(/** @type {Round[]} */ rounds) {
  if (!rounds.length) return el("p", { class: "soft" }, "None yet.");
  const cells = (/** @type {Round} */ { time, reader, name, all }) => [date(time), reader, name, `${all.right} of ${all.of}`, interval(all)];
  return el(
    "table",
    {},
    el("thead", {}, el("tr", {}, ...["when", "reader", "model", "right", "share (95 % interval)"].map((word) => el("th", { scope: "col" }, word)))),
    el("tbody", {}, ...rounds.map((one) => el("tr", {}, ...cells(one).map((words) => el("td", {}, words))))),
  );
}

function row(/** @type {string} */ name, /** @type {Share} */ share) {
  return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, `${share.right} of ${share.of}`), el("td", {}, interval(share) || "none came"));
}

/** Return a chart of the interval on a scale from 0 to 100 %, with guessing at 50 %. */
function drawn(/** @type {Share} */ { value, low, high }) {
  if (value === null || low === null || high === null) return null;
  const x = (/** @type {number} */ share) => 20 + 460 * share;
  const words = `${whole(value)} right, 95 % interval ${whole(low)} to ${whole(high)}; guessing is 50 %`;
  const side = low > 0.5 ? "above" : high < 0.5 ? "below" : "";
  return el(
    "svg:svg",
    { class: `chart share ${side}`, viewBox: "0 0 500 74", role: "img", "aria-label": words },
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => el("svg:text", { class: "tick", x: x(share), y: 70, "text-anchor": "middle" }, whole(share))),
    el("svg:line", { class: "grid", x1: x(0), x2: x(1), y1: 34, y2: 34 }),
    el("svg:line", { class: "chance", x1: x(0.5), x2: x(0.5), y1: 16, y2: 52 }),
    el("svg:text", { class: "tick", x: x(0.5), y: 11, "text-anchor": "middle" }, "guessing"),
    el("svg:line", { class: "range", x1: x(low), x2: x(high), y1: 34, y2: 34 }),
    el("svg:circle", { class: "point", cx: x(value), cy: 34, r: 8 }),
  );
}

function revealed(/** @type {string} */ round, /** @type {Result["pictures"][number]} */ { k, answer, truth }) {
  const right = answer === truth;
  return el(
    "li",
    { class: right ? "right" : "wrong" },
    el("img", { src: `/api/v1/turing/rounds/${round}/pictures/${k}.png`, alt: `Image ${k}, ${truth}`, loading: "lazy" }),
    el("span", { class: "truth" }, truth === "real" ? "Real" : "Generated"),
    el("span", { class: `chip ${right ? "good" : "bad"}` }, right ? "✓ right" : `✗ you said ${answer}`),
  );
}
