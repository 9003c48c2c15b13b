// @ts-check
// The page that compares models on what readers have reported. It fetches the labelled set once; the threshold moves in
// the page, by `compare_operating`, and figures with intervals come from the server.
import { $, api, el, find, sentenceIn, there } from "./api.js";
import { fillByWidth } from "./chart_width.js";
import { MOST_BANDS, ROC_WIDTH, SPREAD_WIDTH, figure, rocChart, spreadChart, swatch } from "./charts.js";
import { keepShown, wanted } from "./compare_address.js";
import { wireCopies } from "./compare_copies.js";
import { fillGallery } from "./compare_gallery.js";
import { about, others } from "./compare_labels.js";
import { explain } from "./compare_missing.js";
import { atThreshold, balanced, byLabel, cellOf, nothingMissed, rounded, short } from "./compare_operating.js";
import { pairOf } from "./compare_pair.js";
import { moveSources, showMetrics } from "./compare_tables.js";
import { numberOf } from "./numbers.js";
import { measured } from "./percent_words.js";
import { failed, toast } from "./toasts.js";

const MOST = 6;
/** @typedef {import("./charts.js").Metrics} Metrics  @typedef {Page.Returned<"GET /compare/labelled">} LabelledSet */
/** @typedef {import("./compare_operating.js").Scores} Scores  @typedef {"caught" | "missed" | "alarms" | "right"} Cell */
/** @typedef {LabelledSet["films"][number] & { score: number }} Scored */

/** @type {Record<Cell, [words: string, name: string, order: (a: Scored, b: Scored) => number]>} */
const CELLS = {
  caught: ["read, and abnormal", "true positives", (a, b) => b.score - a.score],
  missed: ["missed", "false negatives", (a, b) => a.score - b.score],
  alarms: ["read, and normal", "false positives", (a, b) => b.score - a.score],
  right: ["correctly cleared", "true negatives", (a, b) => a.score - b.score],
};

let thresholds = /** @type {Map<string, number>} */ (new Map());
const places = /** @type {Map<string, number>} */ (new Map()); // index of colour and dashes by model, 0 … 5
const asked = /** @type {Map<string, Promise<Metrics>>} */ (new Map()); // promise of the metrics by model
const computed = /** @type {Map<string, Metrics>} */ (new Map()); // metrics that have arrived, by model
/** @type {LabelledSet} */
let labelled = { models: [], films: [], selected: false, not_counted: {} };
/** @type {{ model: string, films: Scored[], scores: Scores, sources: { source: string, scores: Scores }[], low: number, high: number } | null} */
let chosen = null;
let threshold = 0;
let prevalence = /** @type {number | null} */ (null); // no default: null until the user enters a value
let cell = /** @type {Cell | null} */ (null);
let roc = /** @type {ReturnType<typeof rocChart> | null} */ (null);
let spread = /** @type {ReturnType<typeof spreadChart> | null} */ (null);
let pair = /** @type {ReturnType<typeof pairOf> | null} */ (null);
const cells = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-cell]"));
const cellOn = (/** @type {HTMLElement} */ button) => /** @type {Cell} */ (button.dataset.cell);

start().catch(failed).finally(() => $("#compare").removeAttribute("aria-busy"));

async function start() {
  labelled = await api(`/compare/labelled?others=${others}`);
  const usable = labelled.models.filter(({ normal, abnormal }) => normal + abnormal > 0);
  const kept = wanted(labelled.models);
  thresholds = new Map(Object.entries(kept.thresholds));
  if (kept.prevalence !== null) {
    $("#prevalence").value = String(Number((100 * kept.prevalence).toPrecision(4)));
    setPrevalence(100 * kept.prevalence);
  }
  const first = kept.shown.length ? kept.shown : (usable.length ? usable : labelled.models).slice(0, 3).map(({ model }) => model);
  for (const model of first) place(model);
  const ill = about(labelled);
  $("#selected").hidden = !labelled.selected || !labelled.films.length;
  $("#csv").hidden = !labelled.films.length;
  $("#report").hidden = !labelled.films.length;
  $("#csv").setAttribute("href", `/api/v1/compare/scores.csv?others=${others}`);
  listModels();
  const both = usable.filter(({ normal, abnormal }) => normal && abnormal);
  if (!both.length) explain(labelled, ill);
  else {
    $("#board").hidden = false;
    choose(both.find(({ model }) => model === kept.chosen)?.model ?? both.find(({ model }) => places.has(model))?.model ?? both[0].model);
  }
  if (labelled.models.length > 1) {
    pair = pairOf(labelled.models, (model) => places.get(model) ?? null, kept.pair ?? [...places.keys()], keep);
    $("#pair").hidden = false;
  }
  if (both.length) drawRoc();
  if (labelled.films.length) keep();
}

/** Assign the first free colour to a model. */
function place(/** @type {string} */ model) {
  const taken = new Set(places.values());
  places.set(model, [0, 1, 2, 3, 4, 5].find((one) => !taken.has(one)) ?? 0);
}

function listModels() {
  for (const { model, name, part, normal, abnormal, trained_on: learnt } of labelled.models) {
    /** @type {HTMLInputElement} */
    const box = el("input", { type: "checkbox", value: model, checked: places.has(model), onchange: () => tick(box, model) });
    const response = [
      part === "decides" ? "It decides here." : part === "compares" ? "For comparison." : "No longer in use here.",
      `It scored ${normal} normal and ${numberOf(abnormal, "abnormal film")}.`, learnt ? `${learnt} more ${learnt === 1 ? "is" : "are"} left out: the model was trained on films of these patients.` : "",
    ].join(" ");
    $("#models").append(el("label", { class: "model", title: response, dataset: { model } }, box, el("span", { class: "key" }), el("b", {}, name), el("span", { class: "auroc soft" })));
  }
  $("#models").hidden = !labelled.models.length;
  colours();
}

function colours() {
  for (const label of $("#models").querySelectorAll("label")) {
    const at = places.get(label.dataset.model ?? "");
    $(".key", label).replaceChildren(...(at === undefined ? [] : [swatch(at)]));
  }
}

function tick(/** @type {HTMLInputElement} */ box, /** @type {string} */ model) {
  const least = Math.min(2, labelled.models.length);
  if (box.checked && places.size === MOST) {
    box.checked = false;
    toast(`${MOST} models at most are compared. Untick another first.`);
  } else if (!box.checked && places.size <= least) {
    box.checked = true;
    toast(least > 1 ? "Two models at least are compared. Tick another first." : "It is the only model here.");
  } else {
    if (box.checked) place(model);
    else places.delete(model);
    colours();
    if (!$("#board").hidden) {
      choose(chosen && places.has(chosen.model) ? chosen.model : comparable()[0].model);
      drawRoc();
    }
    pair?.refresh();
    keep();
  }
}

/** Return the ticked models that scored both classes, or all such models if no ticked one did. */
function comparable() {
  const both = labelled.models.filter(({ normal, abnormal }) => normal && abnormal);
  const ticked = both.filter(({ model }) => places.has(model));
  return ticked.length ? ticked : both;
}

function metricsOf(/** @type {string} */ model) {
  const known = asked.get(model);
  if (known) return known;
  const soon = api(`/compare/metrics?model=${model}&others=${others}`);
  asked.set(model, soon);
  soon.then((found) => computed.set(model, found), () => asked.delete(model));
  return soon;
}

async function drawRoc() {
  const wanted = [...places];
  $("#roc-words").textContent = "Computing the intervals …";
  /** @type {Parameters<typeof rocChart>[0]} */
  const found = [];
  const refused = [];
  const show = () => fillByWidth($("#roc"), ROC_WIDTH, (width) => {
    roc = rocChart(found, width);
    operate();
    return [roc.svg];
  });
  show();
  for (const [model, at] of wanted) {
    try {
      const response = await metricsOf(model);
      found.push({ name: response.name, place: at, auroc: response.auroc, roc: response.roc });
      $(`#models [data-model="${model}"] .auroc`).textContent = figure(response.auroc);
    } catch (error) {
      refused.push(`${nameOf(model)}: ${sentenceIn(error)}`);
    }
    if (String([...places]) !== String(wanted)) return; // the user has made another choice meanwhile
    show();
  }
  $("#roc-words").textContent = refused.join(" ") ||
    "Beside each name: the area, with its 95 % interval." +
    (found.length > MOST_BANDS ? " Of so many, only the band of the model whose threshold is shown is drawn." : "");
}

const nameOf = (/** @type {string} */ model) => there(labelled.models.find((one) => one.model === model)).name;

/** Show the metrics and the threshold of a model. */
function choose(/** @type {string} */ model) {
  const index = labelled.models.findIndex((one) => one.model === model);
  const films = labelled.films.flatMap((film) => {
    const score = film.scores[index];
    return score === null ? [] : [{ ...film, score }];
  });
  const scores = byLabel(films);
  const every = [...scores.normal, ...scores.abnormal];
  const [least, most] = every.reduce(([a, b], score) => [Math.min(a, score), Math.max(b, score)], [Infinity, -Infinity]);
  const room = (most - least || 1) * 0.02;
  const names = [...new Set(films.map(({ source }) => source))].sort();
  const sources = names.map((source) => ({ source, scores: byLabel(films.filter((film) => film.source === source)) }));
  chosen = { model, films, scores, sources, low: least - room, high: most + room };
  $("#chosen").replaceChildren(...comparable().map((one) => el("option", { value: one.model, selected: one.model === model }, one.name)));
  $("#slider").min = String(chosen.low);
  $("#slider").max = String(chosen.high);
  const scale = { low: chosen.low, high: chosen.high, dragged: (/** @type {number} */ score) => setThreshold(rounded(score, there(chosen))), dropped: settled };
  fillByWidth($("#spread"), SPREAD_WIDTH, (width) => {
    spread = spreadChart(scores, scale, width);
    spread.move(threshold);
    return [spread.svg];
  });
  setThreshold(thresholds.get(model) ?? nothingMissed(scores));
  settled();
  metricsOf(model).then((response) => { if (chosen?.model === model) showMetrics(response, chosen.sources, threshold, prevalence); }, (error) => {
    if (chosen?.model !== model) return;
    $("#all-shortcuts").hidden = true;
    for (const box of ["#sources", "#shortcuts", "#intervals"]) $(box).replaceChildren();
    $("#verdict").textContent = sentenceIn(error);
  });
}

function setThreshold(/** @type {number} */ score) {
  threshold = score;
  thresholds.set(there(chosen).model, score);
  $("#slider").value = String(score);
  if (Number($("#threshold").value) !== score || !$("#threshold").value) $("#threshold").value = String(score);
  spread?.move(score);
  operate();
}

function tell(/** @type {string} */ id, /** @type {number | null} */ value, /** @type {string | number} */ text, /** @type {string} */ words) {
  const output = $(`#${id}`);
  output.textContent = String(text);
  output.dataset.value = value === null ? "" : String(value);
  $("small", there(output.parentElement)).textContent = words;
}

/** Update all figures that depend on the threshold. */
function operate() {
  if (!chosen) return;
  const now = atThreshold(chosen.scores, threshold, prevalence);
  const { normal, abnormal } = chosen.scores;
  tell("sensitivity", now.sensitivity, measured(now.sensitivity), `${now.caught} of ${abnormal.length}`);
  tell("specificity", now.specificity, measured(now.specificity), `${now.right} of ${normal.length}`);
  tell("ppv", now.ppv, prevalence === null ? "none" : measured(now.ppv), prevalence === null ? "enter the prevalence below" : `NPV ${measured(now.npv)}`);
  tell("cleared", now.cleared, now.cleared, `of ${normal.length + abnormal.length}`);
  tell("missed", now.missed, now.missed, `of ${abnormal.length} abnormal`);
  for (const button of cells) {
    const [words, name] = CELLS[cellOn(button)];
    const count = now[cellOn(button)];
    if (button.dataset.value === String(count)) continue;
    button.dataset.value = String(count);
    button.replaceChildren(el("b", {}, count), el("span", {}, words));
    button.setAttribute("aria-label", `${numberOf(count, "film")} ${words} (${name}). Open ${count === 1 ? "it" : "them"}.`);
  }
  const at = places.get(chosen.model);
  if (at !== undefined && now.sensitivity !== null && now.specificity !== null) roc?.operate(at, 1 - now.specificity, now.sensitivity);
  moveSources(chosen.sources, threshold, prevalence);
}

/** Update the parts that are too slow, or announced too often, to follow a drag. */
function settled() {
  const now = atThreshold(there(chosen).scores, threshold, prevalence);
  $("#operating-words").textContent =
    `Threshold ${short(threshold)}: sensitivity ${measured(now.sensitivity)}, specificity ${measured(now.specificity)}, ` +
    `${numberOf(now.cleared, "film")} cleared, ${now.missed} missed.`;
  openCell(cell ?? (now.missed ? "missed" : "alarms"), { stays: true });
  keep();
}

function openCell(/** @type {Cell} */ name, { stays = false } = {}) {
  if (!stays) cell = name;
  const [words, kind, order] = CELLS[name];
  const { model, films: all } = there(chosen);
  const films = all.filter((film) => cellOf(film, threshold) === name).sort(order);
  $("#cell").dataset.open = name;
  $("#cell-title").textContent = `${numberOf(films.length, "film")} ${words}`;
  $("#cell-words").textContent = films.length
    ? `${kind[0].toUpperCase()}${kind.slice(1)} of ${nameOf(model)} at ${short(threshold)}; the ${name === "missed" || name === "right" ? "lowest" : "highest"} score first.`
    : "There is none at this threshold.";
  for (const button of cells) button.setAttribute("aria-pressed", String(cellOn(button) === name));
  const title = `${words}, by ${nameOf(model)} at ${short(threshold)}`;
  fillGallery($("#cell-films"), films.map(({ film, score, source }) => ({ film, lines: [el("b", {}, short(score)), source] })), { title, rows: 2 });
}

function keep() {
  keepShown({ shown: [...places.keys()], chosen: chosen?.model, thresholds: Object.fromEntries(thresholds), prevalence, pair: pair?.models });
  $("#report").setAttribute("href", `/compare/report${location.search}`);
}

/** Return the figures that the copy buttons copy. */
function shownNow() {
  const { model, ...own } = there(chosen);
  const models = [...places.keys()];
  const pairs = { pair: pair?.models ?? [], difference: pair?.difference() ?? null };
  return { ...own, ...pairs, models, curves: models.flatMap((one) => computed.get(one) ?? []), chosen: model, name: nameOf(model), metrics: computed.get(model) ?? null, threshold, prevalence };
}

function setPrevalence(/** @type {number} */ inPerCent) {
  prevalence = inPerCent > 0 && inPerCent < 100 ? inPerCent / 100 : null;
  if (chosen) operate();
}

if (find("#compare")) {
  wireCopies(shownNow);
  $("#prevalence").addEventListener("input", () => setPrevalence($("#prevalence").valueAsNumber));
  $("#prevalence").addEventListener("change", settled);
  $("#slider").addEventListener("input", () => setThreshold(rounded($("#slider").valueAsNumber, there(chosen))));
  $("#threshold").addEventListener("input", () => { if (Number.isFinite($("#threshold").valueAsNumber)) setThreshold($("#threshold").valueAsNumber); });
  for (const id of /** @type {const} */ (["#slider", "#threshold"])) $(id).addEventListener("change", settled);
  $("#chosen").addEventListener("change", () => { cell = null; choose($("#chosen").value); });
  $("#nothing-missed").addEventListener("click", () => { setThreshold(nothingMissed(there(chosen).scores)); settled(); });
  $("#balanced").addEventListener("click", () => { setThreshold(balanced(there(chosen).scores)); settled(); });
  for (const button of cells) {
    button.addEventListener("click", () => { openCell(cellOn(button)); $("#cell-title").focus({ preventScroll: true }); $("#cell").scrollIntoView({ block: "nearest" }); });
  }
}
