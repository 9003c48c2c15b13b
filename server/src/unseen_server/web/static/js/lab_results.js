// @ts-check
// A method's result: its image, where it is wrong, and by how much. Cards stand in the order of the methods.
import { $, el, find } from "./api.js";
import { measured } from "./percent_words.js";

const FAMILIES = { direct: "direct", variational: "variational", learnt: "learnt", generative: "generator" };
/** @typedef {Api.MethodResponse} Method  @typedef {Api.ResultResponse} Result */
/** Outcome of a method: a result, or the message of an error. @typedef {Result | { method: Method, problem: string, brightest: null }} Outcome */

/** @type {{ method: Method, response: Outcome | null }[]} */
let shown = [];

/** Show empty cards for the results that will be computed. */
export function expect(/** @type {Method[]} */ methods) {
  shown = methods.map((method) => ({ method, response: null }));
  $("#results").replaceChildren(...methods.map((method) => el("article", { class: "card result waiting", "data-method": method.key }, heading(method), el("div", { class: "frame" }), el("div", { class: "frame" }), el("p", {}, "waits for its turn"))));
  $("#scale").textContent = "";
}

export function atWork(/** @type {Method} */ method) {
  const card = place(method.key);
  card?.classList.add("at-work");
  const words = card?.querySelector("p");
  if (words) words.textContent = "computing …";
}

export function show(/** @type {Outcome} */ response) {
  const entry = shown.find((one) => one.method.key === response.method.key);
  if (!entry) return;
  entry.response = response;
  place(response.method.key)?.replaceWith(card(response));
  if (response.brightest !== null) $("#scale").textContent = `Errors |x̂ − x|: dark blue 0, yellow ${response.brightest} and more (white is 1). All cards have one scale.`;
  best();
}

/** Show `words` on the cards that have no result. */
export function drop(/** @type {string} */ words) {
  for (const entry of shown.filter((one) => one.response === null)) {
    const card = place(entry.method.key);
    card?.classList.remove("at-work");
    const line = card?.querySelector("p");
    if (line) line.textContent = words;
  }
}

/** Return the results as a sentence for screen readers. */
export function spoken() {
  return results().map((found) => `${found.method.name}: ${psnr(found)}`).join(", ");
}

/** Return a table with a row for each method and the server's numbers. @returns {import("./copying.js").Cell[][]} */
export function tableOf() {
  return [
    ["method", "psnr_db", "ssim", "misfit", "hidden_share_of_squared_error", "seconds"],
    ...results().map(({ method, exact, psnr: ratio, ssim, misfit: off, hidden, seconds }) => [method.name, exact ? "inf" : ratio, ssim, off, hidden, seconds]),
  ];
}

/** Return the results that have an image so far. @returns {Result[]} */
const results = () => shown.flatMap(({ response }) => (response && !response.problem && "seconds" in response ? [response] : []));

function place(/** @type {string} */ key) {
  return find(`#results [data-method="${CSS.escape(key)}"]`);
}

function heading(/** @type {Method} */ method) {
  return el("h3", { title: method.about }, method.name, el("span", { class: "chip" }, FAMILIES[method.family]));
}

function card(/** @type {Outcome} */ response) {
  const { method } = response;
  if (response.problem || !("seconds" in response)) return el("article", { class: "card result", "data-method": method.key }, heading(method), el("p", { class: "problem" }, response.problem));
  return el("article", { class: "card result", "data-method": method.key },
    heading(method),
    el("figure", {}, el("img", { src: response.picture, alt: `What ${method.name} makes of y`, "data-what": "picture" }), el("figcaption", {}, "x̂")),
    el("figure", {}, el("img", { src: response.error, alt: `Where ${method.name} is wrong`, "data-what": "error" }), el("figcaption", {}, "|x̂ − x|")),
    el("dl", {},
      figure("PSNR", psnr(response), "psnr", response.psnr),
      figure("SSIM", response.ssim === null ? "not finite" : response.ssim.toFixed(3), "ssim", response.ssim),
      figure("Time", time(response.seconds), "seconds", response.seconds)),
    el("p", {}, misfit(response)),
    response.words ? el("p", {}, response.words) : null,
    el("p", {}, method.about));
}

function figure(/** @type {string} */ name, /** @type {string} */ words, /** @type {string} */ what, /** @type {number | null} */ value) {
  return el("div", {}, el("dt", {}, name), el("dd", { "data-what": what, "data-value": value ?? "" }, words));
}

function psnr(/** @type {Result} */ response) {
  if (response.exact) return "exact";
  return response.psnr === null ? "not finite" : `${response.psnr.toFixed(2).replace("-", "−")} dB`;
}

function time(/** @type {number} */ seconds) {
  return seconds < 0.01 ? "< 0.01 s" : seconds < 10 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(0)} s`;
}

function misfit(/** @type {Result} */ response) {
  const fits = response.misfit === null ? "" : `‖A x̂ − y‖ is ${measured(response.misfit)} of ‖y‖. `;
  return response.hidden === null ? fits : `${fits}${measured(response.hidden)} of the squared error lies in what A hides.`;
}

/** Mark the best PSNR if there are at least two. */
function best() {
  const done = results();
  const height = (/** @type {Result} */ response) => (response.exact ? Infinity : (response.psnr ?? -Infinity));
  const top = Math.max(...done.map(height));
  for (const response of done) place(response.method.key)?.classList.toggle("best", done.length > 1 && height(response) === top);
}
