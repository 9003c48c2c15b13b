// @ts-check
// Trainings: which there are, and the losses of one, drawn again every two seconds while somebody looks.
import { $, api, el, find, sentenceIn, serverTime, span, there } from "./api.js";
import { fillByWidth } from "./chart_width.js";
import { legend, plot, short } from "./models_plot.js";
import { failed } from "./toasts.js";

/** @typedef {Page.Returned<"GET /runs">["runs"][number]} Run  @typedef {Page.Returned<"GET /runs/{name}/log">} Log */

let chosen = "";
/** @type {Log | null} */
let response = null;
/** @type {Set<string>} */
const hidden = new Set();

export async function showTrainings() {
  const { folder, runs } = await api("/runs");
  if (!folder) return nothing("This server was given no folder of trainings. Start it with --runs, or set UNSEEN_RUNS.");
  if (!runs.length) return nothing("No training has written a log.csv here yet.");
  if (!runs.some((run) => run.name === chosen)) chosen = runs[0].name;
  $("#runs").replaceChildren(...runs.map(entry));
  await losses(chosen);
}

function nothing(/** @type {string} */ words) {
  $("#runs").replaceChildren(el("p", { class: "soft" }, words));
  $("#run-controls").hidden = true;
  $("#losses").replaceChildren();
}

function entry(/** @type {Run} */ run) {
  const cut = run.name.lastIndexOf("/") + 1;
  return el("button", { type: "button", class: "run", "data-run": run.name, "aria-pressed": String(run.name === chosen), onclick: () => { chosen = run.name; hidden.clear(); showTrainings().catch(failed); } },
    el("span", { class: "run-title" }, el("span", {}, run.name.slice(cut)), run.running ? el("span", { class: "chip good" }, "running") : null),
    el("small", { class: "soft" }, [run.name.slice(0, cut).replace(/\/$/, ""), run.epoch === null ? "its log cannot be read" : `epoch ${run.epoch}, step ${run.steps}`, `${span((serverTime() - Date.parse(run.written)) / 1000)} ago`].filter(Boolean).join(" · ")));
}

async function losses(/** @type {string} */ name) {
  try {
    const found = await api(`/runs/${name.split("/").map(encodeURIComponent).join("/")}/log`);
    if (name !== chosen) return;
    response = found;
    draw(found);
  } catch (error) {
    $("#run-name").textContent = name;
    $("#run-words").textContent = sentenceIn(error);
    $("#run-controls").hidden = true;
    $("#losses").replaceChildren();
  }
}

function draw(/** @type {Log} */ response) {
  const names = Object.keys(response.losses), last = response.steps.length - 1;
  $("#run-name").textContent = response.name;
  $("#run-controls").hidden = false;
  if (last < 0) {
    $("#run-words").textContent = "No step was logged yet.";
    return $("#losses").replaceChildren();
  }
  const seconds = response.seconds[last];
  $("#run-words").textContent = `${response.running ? "Running" : "Not running"}: step ${response.steps[last]}, epoch ${response.epochs[last]}${seconds === null ? "" : `, ${span(seconds)} of training`}. ${names.map((name) => `${name} ${lossOf(response.losses[name][last])}`).join(", ")}.`;
  const smooth = /** @type {HTMLInputElement} */ ($("#run-smooth")).checked;
  const all = names.map((name, i) => ({ name, kind: `c${i % 6}`, values: smooth ? smoothed(response.losses[name]) : response.losses[name] }));
  const lines = all.filter((line) => !hidden.has(line.name));
  const positive = lines.every((line) => line.values.every((v) => v === null || v > 0));
  const log = /** @type {HTMLInputElement} */ ($("#run-log"));
  log.disabled = !positive;
  there(log.closest("label")).title = positive ? "" : "a loss lies at or below zero";
  fillByWidth($("#losses"), 860, (width) => [
    plot({ x: response.steps, lines, log: log.checked && positive, height: 380, width, xWords: "step", yWords: "loss", label: `Losses of ${response.name}, step by step` }),
    legend(all, (name) => { if (!hidden.delete(name)) hidden.add(name); draw(response); }, hidden)]);
}

const lossOf = (/** @type {number | null} */ value) => (value === null ? "not finite" : short(value));

/** Return a running mean over 1/50 of the steps; gaps are kept. */
function smoothed(/** @type {(number | null)[]} */ values) {
  const half = Math.max(1, Math.floor(values.length / 100));
  return values.map((value, i) => {
    if (value === null) return null;
    const near = values.slice(Math.max(0, i - half), i + half + 1).filter((v) => v !== null);
    return near.reduce((sum, v) => sum + v, 0) / near.length;
  });
}

for (const id of ["#run-log", "#run-smooth"]) find(id)?.addEventListener("change", () => response && draw(response));
