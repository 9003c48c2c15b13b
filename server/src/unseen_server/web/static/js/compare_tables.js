// @ts-check
// One model's tables: by source, where figures move with the threshold, and the shortcut audit.
import { $, el, find } from "./api.js";
import { figure, whisker } from "./charts.js";
import { atThreshold } from "./compare_operating.js";
import { numberOf } from "./numbers.js";
import { measured } from "./percent_words.js";

const MOVING = ["sensitivity", "specificity", "cleared", "missed"];
/** @type {(readonly [words: string, kind?: string])[]} */
const COLUMNS = [
  ["Source"], ["Normal", "n"], ["Abnormal", "n"], ["AUROC"], ["Sensitivity", "n"], ["Specificity", "n"], ["Cleared", "n"], ["Missed", "n"],
  ["Strongest statistic"],
];
const SHOWN = 6;
/** @typedef {import("./charts.js").Metrics} Metrics  @typedef {import("./charts.js").Figure} Figure */
/** @typedef {{ source: string, scores: import("./compare_operating.js").Scores }[]} Sources */

/** @type {Record<string, string>} */
const CHIPS = { good: "above every single statistic", warn: "check this", unknown: "no verdict" };

/** Show the server's metrics of a model, and the effect of the threshold on `sources`. */
export function showMetrics(/** @type {Metrics} */ response, /** @type {Sources} */ sources, /** @type {number} */ threshold, /** @type {number | null} */ prevalence) {
  const heads = (/** @type {(readonly [words: string, kind?: string])[]} */ columns) => el("thead", {}, el("tr", {}, ...columns.map(([words, kind]) => el("th", { scope: "col", class: kind }, words))));
  $("#sources").replaceChildren(heads(COLUMNS), el("tbody", {}, ...response.sources.map(sourceRow)));
  $("#verdict").replaceChildren(
    el("span", { class: `chip ${response.verdict_kind === "unknown" ? "" : response.verdict_kind}` }, CHIPS[response.verdict_kind]), ` ${response.verdict[0].toUpperCase()}${response.verdict.slice(1)}`,
  );
  const mark = response.auroc.value ?? 0.5;
  const titles = heads([["Statistic"], ["From 0.5 to 1; ┆ the model"], ["AUROC or its mirror"], ["Direction"]]);
  const singles = response.shortcuts.map((one) => auditRow(one.words, one.direction + (one.acquisition ? " (acquisition)" : ""), one.strength, mark, one.acquisition ? "acquisition" : "single"));
  const rest = el("tbody", { hidden: true }, ...singles.slice(SHOWN));
  $("#shortcuts").replaceChildren(
    titles, el("tbody", {}, auditRow("the model", "", response.auroc, mark, "own"),
      auditRow("all statistics together", "supervised: fitted to the labels", response.mix, mark, "mix"), ...singles.slice(0, SHOWN)), rest,
  );
  const more = $("#all-shortcuts");
  const toggle = (/** @type {boolean} */ open) => {
    rest.hidden = !open;
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Fewer statistics" : numberOf(singles.length - SHOWN, "weaker statistic");
  };
  toggle(more.getAttribute("aria-expanded") === "true");
  more.onclick = () => toggle(rest.hidden === true);
  more.hidden = singles.length <= SHOWN;
  $("#intervals").textContent =
    `Intervals: ${response.intervals}.` + (response.trained_on ? ` ${numberOf(response.trained_on, "film is", "films are")} left out: the model was trained on films of these patients.` : "");
  moveSources(sources, threshold, prevalence);
}

/** Update the table of sources for a threshold. */
export function moveSources(/** @type {Sources} */ sources, /** @type {number} */ threshold, /** @type {number | null} */ prevalence) {
  for (const { source, scores } of sources) {
    const row = find(`#sources [data-source="${CSS.escape(source)}"]`);
    if (!row) continue;
    const now = atThreshold(scores, threshold, prevalence);
    const words = [measured(now.sensitivity), measured(now.specificity), now.cleared, now.missed];
    MOVING.forEach((what, i) => { $(`[data-what=${what}]`, row).textContent = String(words[i]); });
  }
}

function sourceRow(/** @type {Metrics["sources"][number]} */ { source, normal, abnormal, auroc, strongest, strength, verdict }) {
  return el(
    "tr", { dataset: { source } }, el("th", { scope: "row" }, source), el("td", { class: "n" }, normal), el("td", { class: "n" }, abnormal),
    el("td", { class: auroc.value === null ? "soft small" : null }, figure(auroc)),
    ...MOVING.map((what) => el("td", { class: "n", dataset: { what } })),
    el("td", { title: verdict, class: strength.value === null ? "soft small" : null }, strength.value === null ? "too few films" : `${strongest}, ${strength.value.toFixed(2)}`),
  );
}

function auditRow(/** @type {string} */ words, /** @type {string} */ more, /** @type {Figure} */ given, /** @type {number} */ mark, /** @type {string} */ kind) {
  const { value, low, high } = given;
  const bar = value === null || low === null || high === null ? null : whisker({ value, low, high }, { low: 0.5, high: 1, mark, kind });
  return el(
    "tr", { class: kind }, el("th", { scope: "row" }, words), el("td", { class: "bar-cell" }, bar),
    el("td", { class: given.value === null ? "soft small" : null }, figure(given)), el("td", { class: "soft" }, more),
  );
}
