// @ts-check
// The figures of the comparison as Python, which the server writes, and as CSV, from what the page shows.
import { $, api } from "./api.js";
import { others } from "./compare_labels.js";
import { atThreshold } from "./compare_operating.js";
import { copyButtons } from "./copying.js";

/** @typedef {import("./charts.js").Metrics} Metrics  @typedef {import("./charts.js").Figure} Figure  @typedef {import("./compare_operating.js").Scores} Scores */
/** @typedef {Page.Returned<"GET /compare/difference">} Difference */

/**
 * Figures that the page shows; null if they are not computed yet.
 * @typedef {object} Shown
 * @property {string[]} models  the ticked ones
 * @property {Metrics[]} curves
 * @property {string} chosen
 * @property {string} name
 * @property {Metrics | null} metrics  of the chosen model
 * @property {Scores} scores
 * @property {{ source: string, scores: Scores }[]} sources
 * @property {number} threshold
 * @property {number | null} prevalence
 * @property {string[]} pair
 * @property {Difference | null} difference
 */

const ends = (/** @type {Figure} */ { value, low, high }) => [value, low, high];
const ENDS = ["low_95", "high_95"];

async function python(/** @type {"roc" | "threshold" | "sources" | "shortcuts" | "difference"} */ figure, /** @type {string[]} */ models, /** @type {Shown} */ { threshold, prevalence }) {
  const said = new URLSearchParams([["figure", figure], ...models.map((model) => ["model", model]), ["threshold", String(threshold)], ...(prevalence === null ? [] : [["prevalence", String(prevalence)]]), ["others", String(others)]]);
  return (await api(`/compare/code?${said}`, { as: "response" })).text();
}

/** @type {Record<string, (shown: Shown) => import("./copying.js").Cell[][]>} */
const CSV = {
  roc: ({ curves }) => [
    ["model", "false_positive_rate", "sensitivity", ...ENDS],
    ...curves.flatMap(({ name, roc }) => roc.false_positive_rate.map((x, i) => [name, x, roc.sensitivity[i], roc.low[i], roc.high[i]])),
  ],
  threshold: ({ name, scores, threshold, prevalence }) => {
    const now = atThreshold(scores, threshold, prevalence);
    return [
      ["model", "threshold", "prevalence", "sensitivity", "specificity", "ppv", "npv", "true_positives", "false_negatives", "false_positives", "true_negatives"],
      [name, threshold, prevalence, now.sensitivity, now.specificity, now.ppv, now.npv, now.caught, now.missed, now.alarms, now.right],
    ];
  },
  sources: ({ name, metrics, sources, threshold, prevalence }) => [
    ["model", "source", "normal", "abnormal", "auroc", ...ENDS, "threshold", "sensitivity", "specificity", "cleared", "missed"],
    ...sources.map(({ source, scores }) => {
      const now = atThreshold(scores, threshold, prevalence);
      const auroc = metrics?.sources.find((one) => one.source === source)?.auroc ?? { value: null, low: null, high: null, reason: "" };
      return [name, source, scores.normal.length, scores.abnormal.length, ...ends(auroc), threshold, now.sensitivity, now.specificity, now.cleared, now.missed];
    }),
  ],
  shortcuts: ({ name, metrics }) => [
    ["model", "statistic", "auroc_or_mirror", ...ENDS, "direction", "acquisition"],
    ...(metrics ? [[name, "the model", ...ends(metrics.auroc), "", ""], [name, "all statistics together", ...ends(metrics.mix), "", ""]] : []),
    ...(metrics?.shortcuts ?? []).map((one) => [name, one.words, ...ends(one.strength), one.direction, one.acquisition]),
  ],
  difference: ({ difference }) => [
    ["films", "first_auroc", "second_auroc", "difference", ...ENDS, "delong_p"],
    ...(difference ? [[difference.films, difference.first_auroc.value, difference.second_auroc.value, ...ends(difference.difference), difference.p]] : []),
  ],
};

/** Wire the copy buttons; `shown` returns the page's figures at the time of a click. */
export function wireCopies(/** @type {() => Shown} */ shown) {
  const figures = /** @type {const} */ ([
    ["roc", "the ROC curves", (/** @type {Shown} */ now) => now.models],
    ["threshold", "the figures at this threshold", (/** @type {Shown} */ now) => [now.chosen]],
    ["sources", "the table by source", (/** @type {Shown} */ now) => [now.chosen]],
    ["shortcuts", "the shortcut audit", (/** @type {Shown} */ now) => [now.chosen]],
    ["difference", "the difference of two models", (/** @type {Shown} */ now) => now.pair],
  ]);
  for (const [figure, name, models] of figures) {
    copyButtons($(`#copy-${figure}`), { name, python: () => python(figure, models(shown()), shown()), csv: () => CSV[figure](shown()) });
  }
}
