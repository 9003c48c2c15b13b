// @ts-check
// A method's result: its picture, where it is wrong, and by how much. Cards stand in the order of the methods.
import { $, el, find } from "./api.js";

const FAMILIES = { direct: "direct", variational: "variational", learnt: "learnt", generative: "generator" };
/** @typedef {Api.MethodTold} Method  @typedef {Api.ResultTold} Result */
/** What a method came to: a result, or the sentence of an error. @typedef {Result | { method: Method, problem: string, brightest: null }} Told */

/** @type {{ method: Method, told: Told | null }[]} */
let shown = [];

/** Empty places for what is going to be computed. */
export function expect(/** @type {Method[]} */ methods) {
  shown = methods.map((method) => ({ method, told: null }));
  $("#results").replaceChildren(...methods.map((method) => el("article", { class: "card result waiting", "data-method": method.key }, heading(method), el("div", { class: "frame" }), el("div", { class: "frame" }), el("p", {}, "waits for its turn"))));
  $("#scale").textContent = "";
}

export function atWork(/** @type {Method} */ method) {
  const card = place(method.key);
  card?.classList.add("at-work");
  const words = card?.querySelector("p");
  if (words) words.textContent = "computing …";
}

export function show(/** @type {Told} */ told) {
  const entry = shown.find((one) => one.method.key === told.method.key);
  if (!entry) return;
  entry.told = told;
  place(told.method.key)?.replaceWith(card(told));
  if (told.brightest !== null) $("#scale").textContent = `Errors |x̂ − x|: dark blue 0, yellow ${told.brightest} and more (white is 1). All cards have one scale.`;
  best();
}

/** What has not come is taken away. */
export function drop(/** @type {string} */ words) {
  for (const entry of shown.filter((one) => one.told === null)) {
    const card = place(entry.method.key);
    card?.classList.remove("at-work");
    const line = card?.querySelector("p");
    if (line) line.textContent = words;
  }
}

/** In a sentence, for those who hear the page. */
export function spoken() {
  return results().map((found) => `${found.method.name}: ${psnr(found)}`).join(", ");
}

/** The results with a picture, so far. @returns {Result[]} */
const results = () => shown.flatMap(({ told }) => (told && !told.problem && "seconds" in told ? [told] : []));

function place(/** @type {string} */ key) {
  return find(`#results [data-method="${CSS.escape(key)}"]`);
}

function heading(/** @type {Method} */ method) {
  return el("h3", { title: method.about }, method.name, el("span", { class: "chip" }, FAMILIES[method.family]));
}

function card(/** @type {Told} */ told) {
  const { method } = told;
  if (told.problem || !("seconds" in told)) return el("article", { class: "card result", "data-method": method.key }, heading(method), el("p", { class: "problem" }, told.problem));
  return el("article", { class: "card result", "data-method": method.key },
    heading(method),
    el("figure", {}, el("img", { src: told.picture, alt: `What ${method.name} makes of y`, "data-what": "picture" }), el("figcaption", {}, "x̂")),
    el("figure", {}, el("img", { src: told.error, alt: `Where ${method.name} is wrong`, "data-what": "error" }), el("figcaption", {}, "|x̂ − x|")),
    el("dl", {},
      figure("PSNR", psnr(told), "psnr", told.psnr),
      figure("SSIM", told.ssim === null ? "–" : told.ssim.toFixed(3), "ssim", told.ssim),
      figure("Time", time(told.seconds), "seconds", told.seconds)),
    el("p", {}, misfit(told)),
    told.words ? el("p", {}, told.words) : null,
    el("p", {}, method.about));
}

function figure(/** @type {string} */ name, /** @type {string} */ words, /** @type {string} */ what, /** @type {number | null} */ value) {
  return el("div", {}, el("dt", {}, name), el("dd", { "data-what": what, "data-value": value ?? "" }, words));
}

function psnr(/** @type {Result} */ told) {
  if (told.exact) return "exact";
  return told.psnr === null ? "–" : `${told.psnr.toFixed(2).replace("-", "−")} dB`;
}

function time(/** @type {number} */ seconds) {
  return seconds < 0.01 ? "< 0.01 s" : seconds < 10 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(0)} s`;
}

function misfit(/** @type {Result} */ told) {
  const fits = told.misfit === null ? "" : `‖A x̂ − y‖ is ${percent(told.misfit)} of ‖y‖. `;
  return told.hidden === null ? fits : `${fits}${percent(told.hidden)} of the squared error lies in what A hides.`;
}

function percent(/** @type {number} */ share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** The best PSNR so far is marked, once there are two. */
function best() {
  const done = results();
  const height = (/** @type {Result} */ told) => (told.exact ? Infinity : (told.psnr ?? -Infinity));
  const top = Math.max(...done.map(height));
  for (const told of done) place(told.method.key)?.classList.toggle("best", done.length > 1 && height(told) === top);
}
