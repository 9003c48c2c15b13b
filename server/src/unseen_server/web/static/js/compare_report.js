// @ts-check
// A comparison as a report to print: the models, the threshold and the pair that the address names, each figure once.
import { $, api, el, find, sentenceIn } from "./api.js";
import { fillByWidth } from "./chart_width.js";
import { ROC_WIDTH, figure, rocChart, swatch } from "./charts.js";
import { wanted } from "./compare_address.js";
import { about, others } from "./compare_labels.js";
import { atThreshold, byLabel, nothingMissed, short } from "./compare_operating.js";
import { showMetrics } from "./compare_tables.js";
import { date } from "./dates.js";
import { measured } from "./percent_words.js";
import { failed } from "./toasts.js";

/** @typedef {import("./charts.js").Metrics} Metrics  @typedef {Page.Returned<"GET /compare/labelled">} LabelledSet */

const PARTS = { decides: "decides here", compares: "for comparison", earlier: "no longer in use" };

/** Fill a table; the first cell of each row is its heading. */
function table(/** @type {Element} */ into, /** @type {string[]} */ head, /** @type {Page.Child[][]} */ rows) {
  into.replaceChildren(
    el("thead", {}, el("tr", {}, ...head.map((words) => el("th", { scope: "col" }, words)))),
    el("tbody", {}, ...rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((cell) => el("td", {}, cell))))),
  );
}

async function start() {
  $("#made").textContent = `Made ${date(Date.now())} with`;
  $("#print").addEventListener("click", () => window.print());
  $("#back").setAttribute("href", `/compare${location.search}`);
  const labelled = await api(`/compare/labelled?others=${others}`);
  about(labelled);
  const kept = wanted(labelled.models);
  const both = labelled.models.filter(({ normal, abnormal }) => normal && abnormal);
  if (!both.length) throw new Error("No model has scored both normal and abnormal reported films yet, so there is nothing to compare. Report further studies.");
  const shown = both.filter(({ model }) => !kept.shown.length || kept.shown.includes(model));
  const models = shown.length ? shown : both.slice(0, 3);
  const found = await Promise.all(models.map(({ model }) => api(`/compare/metrics?model=${model}&others=${others}`)));
  showModels(models, found);
  const chosen = Math.max(0, models.findIndex(({ model }) => model === kept.chosen));
  showThreshold(labelled, found[chosen], kept);
  await showPair(kept.pair ?? models.slice(0, 2).map(({ model }) => model));
}

function showModels(/** @type {LabelledSet["models"]} */ models, /** @type {Metrics[]} */ found) {
  table($("#models"), ["Model", "SHA-256 of its weights begins", "", "Normal", "Abnormal", "Left out (training patients)", "AUROC (95 % CI)", "Average precision (95 % CI)"], models.map((one, i) => [
    one.name, one.model.slice(0, 16), PARTS[one.part], one.normal, one.abnormal, one.trained_on, figure(found[i].auroc), figure(found[i].average_precision),
  ]));
  const curves = found.map(({ name, auroc, roc }, place) => ({ name, place, auroc, roc }));
  fillByWidth($("#roc"), ROC_WIDTH, (width) => [rocChart(curves, width).svg]);
  $("#legend").replaceChildren(...found.map(({ name, auroc }, place) => el("li", {}, swatch(place), `${name}: ${figure(auroc)}`)));
}

function showThreshold(/** @type {LabelledSet} */ labelled, /** @type {Metrics} */ metrics, /** @type {import("./compare_address.js").Kept} */ { thresholds, prevalence }) {
  const index = labelled.models.findIndex(({ model }) => model === metrics.model);
  const films = labelled.films.flatMap((film) => { const score = film.scores[index]; return score === null ? [] : [{ ...film, score }]; });
  const scores = byLabel(films);
  const threshold = thresholds[metrics.model] ?? nothingMissed(scores);
  const now = atThreshold(scores, threshold, prevalence);
  $("#threshold-title").textContent = `At the threshold ${short(threshold)} of ${metrics.name}`;
  $("#threshold-words").textContent = `Films with a score below the threshold are cleared, the others are read. ${prevalence === null ? "No prevalence was entered, so there is no PPV and no NPV" : `PPV and NPV at a prevalence of ${measured(prevalence)}`}.`;
  const without = prevalence === null ? "a prevalence is needed" : "";
  table($("#at-threshold"), ["", "Share", "Films"], [
    ["Sensitivity", measured(now.sensitivity), `${now.caught} of ${scores.abnormal.length} abnormal are read`],
    ["Specificity", measured(now.specificity), `${now.right} of ${scores.normal.length} normal are cleared`],
    ["PPV", measured(now.ppv), without], ["NPV", measured(now.npv), without],
    ["Cleared", "", `${now.cleared} of ${films.length}`], ["Missed", "", `${now.missed} of ${scores.abnormal.length} abnormal are cleared`],
  ]);
  const names = [...new Set(films.map(({ source }) => source))].sort();
  showMetrics(metrics, names.map((source) => ({ source, scores: byLabel(films.filter((film) => film.source === source)) })), threshold, prevalence);
}

async function showPair(/** @type {string[]} */ [first, second]) {
  if (!first || !second) return;
  $("#pair").hidden = false;
  try {
    const { words, p } = await api(`/compare/difference?first=${first}&second=${second}&others=${others}`);
    $("#difference-words").textContent = words + (p === null ? "" : ` DeLong’s test: p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}.`);
  } catch (error) {
    $("#difference-words").textContent = sentenceIn(error);
  }
}

if (find("#report")) {
  start().catch((error) => {
    $("#problem").textContent = sentenceIn(error);
    failed(error);
  }).finally(() => $("#report").removeAttribute("aria-busy"));
}
