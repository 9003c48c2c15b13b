// @ts-check
// The imaging lab: settings → a measurement, shown at once → reconstructions, one after the other, side by side.
import { $, api, el, find, isAbort, sentenceIn, there } from "./api.js";
import { keep, wanted } from "./lab_address.js";
import { ask } from "./lab_asking.js";
import { wireCopies } from "./lab_copies.js";
import { drawFields, options, readFields } from "./lab_form.js";
import { showLatents } from "./lab_latents.js";
import { atWork, drop, expect, show, spoken } from "./lab_results.js";
import { failed } from "./toasts.js";

const FAMILIES = { direct: "No training", variational: "No training", learnt: "Learnt", generative: "Generators" };
const SOON = 250; // delay after the last change, in ms
const first = new Set(["pinv", "fbp", "tv"]);
/** @typedef {Page.Returned<"GET /lab">} Lab  @typedef {Api.MethodResponse} Method  @typedef {NonNullable<Api.ToMeasure["setup"]>} Setup */

/** @type {Lab} */
let lab;
/** @type {Page.Returned<"POST /lab/pictures"> | null} */
let sent = null; // uploaded image: { image }
/** @type {import("./lab_latents.js").Taken | null} */
let generated = null; // generator's image that the user chose
/** @type {Method[]} */
let offered = [];
/** @type {Set<string>} */
let off = new Set(); // methods that the user switched off
/** @type {Set<string>} */
const on = new Set(); // methods that the user switched on
/** @type {Set<string> | null} */
let only = null; // methods that the address names; only these are ticked
/** Operator that was preset on opening, until the user chooses another one. */
let suggested = "";
/** @type {AbortController | null} */
let running = null;
/** @type {AbortController | null} */
let measuring = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

const value = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ ($(id)).value;

async function start() {
  lab = await api("/lab");
  pictures();
  options($("#size"), lab.sizes.map((size) => ({ value: size, words: `${size} × ${size}` })));
  $("#size").value = String(lab.sizes.includes(64) ? 64 : lab.sizes[0]);
  const learnt = lab.reconstructors.map(({ key, name }) => ({ value: `learnt:${key}`, words: `of ${name}` }));
  options($("#operator"), [...lab.operators.map(({ kind, words }) => ({ value: kind, words })), ...learnt]);
  options($("#noise"), lab.noises.map(({ kind, words }) => ({ value: kind, words })));
  options($("#group"), lab.groups.map(({ name, words }) => ({ value: name, words })));
  const first = lab.reconstructors.find(({ name }) => name === "phantom-inpainting");
  if (first && !location.search) {
    suggested = `learnt:${first.key}`; // a measurement that has a trained network
    $("#operator").value = suggested;
    $("#picture").value = "film";
  }
  asTheAddressAsks();
  showLatents(lab, taken);
  wireCopies(asked, () => offered.filter(isOn).map(({ key }) => key));
  $("#setup").addEventListener("change", changed);
  $("#methods").addEventListener("change", (event) => { if (event.target instanceof HTMLInputElement) chosen(event.target); });
  $("#setup").addEventListener("submit", (event) => { event.preventDefault(); reconstruct().catch(failed); });
  $("#stop").addEventListener("click", () => running?.abort());
  $("#ask").addEventListener("click", () => judge().catch(failed));
  $("#group").addEventListener("change", () => $("#verdict").replaceChildren());
  $("#file").addEventListener("change", bring);
  await measure();
  $("#lab").removeAttribute("aria-busy");
}

function asTheAddressAsks() {
  const { fields: set, generated: picture, methods: ticked } = wanted(lab);
  generated = picture;
  only = ticked && new Set(ticked);
  pictures();
  for (const [id, text] of set) {
    const field = /** @type {HTMLInputElement | HTMLSelectElement} */ ($(`#${id}`));
    if (field instanceof HTMLInputElement || [...field.options].some((one) => one.value === text)) field.value = text;
  }
  fields();
  $("#number").disabled = value("#picture") === "generated";
}

function pictures() {
  const own = [];
  if (sent) own.push({ value: "sent", words: "the image that was brought" });
  if (generated) own.push({ value: "generated", words: "the generator's image" });
  options($("#picture"), [...own, ...lab.pictures.map(({ name, words }) => ({ value: name, words }))]);
}

/** Replace the suggested model by the lab's first operator: the model fits only one size of simulated films. */
function leaveSuggestion() {
  if (!suggested || value("#operator") !== suggested) return;
  $("#operator").value = there(lab.operators[0]).kind;
  suggested = "";
  fields();
}

function choice(/** @type {"operator" | "noise"} */ part, /** @type {Lab["operators"]} */ kinds) {
  const chosen = value(`#${part}`);
  return kinds.find(({ kind }) => kind === chosen) ?? { kind: chosen, settings: [] };
}

function fields() {
  drawFields($("#operator-fields"), "operator", choice("operator", lab.operators));
  drawFields($("#noise-fields"), "noise", choice("noise", lab.noises));
  $("#noise-part").hidden = value("#operator").startsWith("learnt:"); // the model determines the noise
}

/** @returns {Api.ToMeasure["picture"]} */
function pictureOf(/** @type {string} */ name) {
  if (name === "sent") return { kind: "sent", picture: there(sent).picture };
  if (name !== "generated") return { kind: "made", name, number: Number(value("#number")) };
  const { generator, latent } = there(generated);
  return { kind: "generated", generator, latent };
}

/** @returns {Api.ToMeasure} */
function asked() {
  const operator = value("#operator");
  return {
    picture: pictureOf(value("#picture")),
    setup: {
      size: /** @type {Setup["size"]} */ (Number(value("#size"))),
      operator: operator.startsWith("learnt:") ? { kind: "learnt", model: operator.slice(7) } : /** @type {Setup["operator"]} */ (readFields("operator", choice("operator", lab.operators))),
      noise: /** @type {Setup["noise"]} */ (readFields("noise", choice("noise", lab.noises))),
      seed: Number(value("#seed")),
    },
  };
}

// measurement -----------------------------------------------------------------------------------------------------------

function changed(/** @type {Event} */ event) {
  const { id } = /** @type {Element} */ (event.target);
  if (id === "file") return;
  if (id === "operator") suggested = "";
  if (id === "size" || ["sent", "generated"].includes(value("#picture"))) leaveSuggestion();
  if (id === "operator" || id === "noise") fields();
  $("#number").disabled = ["sent", "generated"].includes(value("#picture"));
  if (["operator", "size", "seed"].includes(id) || id.startsWith("operator-")) $("#verdict").replaceChildren();
  clearTimeout(waiting);
  waiting = setTimeout(() => measure().catch(failed), SOON);
}

async function measure() {
  clearTimeout(waiting);
  waiting = undefined;
  measuring?.abort();
  const own = (measuring = new AbortController());
  try {
    const response = await ask("measurement", asked(), own.signal);
    if (own !== measuring) return;
    for (const what of /** @type {const} */ (["truth", "measurement"])) Object.assign($(`#${what}`), { src: response[what], hidden: false });
    $("#measured-words").replaceChildren(...response.words.map((words) => el("p", {}, words)));
    $("#left-out").hidden = !response.left_out.length;
    $("#left-out").textContent = response.left_out.length ? `Not for this measurement: ${response.left_out.join("; ")}` : "";
    methods(response.methods);
    $("#problem").textContent = "";
    keepAddress();
  } catch (error) {
    if (isAbort(error) || own !== measuring) return;
    $("#problem").textContent = sentenceIn(error);
  } finally {
    if (own === measuring) ready();
  }
}

function ready() {
  $("#run").disabled = running !== null || !!$("#problem").textContent || !offered.some(isOn);
}

const keepAddress = () => keep(asked(), offered.filter(isOn).map(({ key }) => key));

function isOn(/** @type {Method} */ method) {
  if (only) return only.has(method.key);
  return on.has(method.key) || (!off.has(method.key) && (first.has(method.key) || method.family === "learnt"));
}

function methods(/** @type {Method[]} */ response) {
  offered = response;
  /** @type {Element[]} */
  const parts = [];
  let heading = "";
  for (const method of response) {
    if (FAMILIES[method.family] !== heading) parts.push(el("h3", {}, (heading = FAMILIES[method.family])));
    parts.push(el("label", { title: method.about }, el("input", { type: "checkbox", name: "method", value: method.key, checked: isOn(method) }), method.name));
  }
  const focused = /** @type {HTMLInputElement | null} */ (document.activeElement?.closest("#methods input"))?.value;
  $("#methods").replaceChildren(...parts);
  if (focused) find(`#methods input[value="${CSS.escape(focused)}"]`)?.focus();
}

function chosen(/** @type {HTMLInputElement} */ box) {
  if (only) only[box.checked ? "add" : "delete"](box.value);
  (box.checked ? on : off).add(box.value);
  (box.checked ? off : on).delete(box.value);
  keepAddress();
  ready();
}

// reconstructions -------------------------------------------------------------------------------------------------------

async function reconstruct() {
  if (waiting) await measure();
  if ($("#problem").textContent) return;
  const body = asked(), wanted = offered.filter(isOn);
  const { signal } = (running = new AbortController());
  ready();
  $("#stop").hidden = false;
  expect(wanted);
  try {
    for (const method of wanted) {
      atWork(method);
      try {
        show(await ask("reconstruction", { ...body, method: method.key }, signal));
      } catch (error) {
        if (isAbort(error)) throw error;
        show({ method, problem: sentenceIn(error), brightest: null }); // only this method failed
      }
    }
    $("#aloud").textContent = spoken();
  } catch (error) {
    if (!isAbort(error)) throw error;
    drop("stopped");
  } finally {
    running = null;
    $("#stop").hidden = true;
    ready();
  }
}

async function judge() {
  const button = /** @type {HTMLButtonElement} */ ($("#ask"));
  const { setup } = asked(), group = value("#group");
  button.disabled = true;
  $("#verdict").replaceChildren(el("p", { class: "soft" }, "Asking identify … for large images this takes up to a minute."));
  try {
    const response = await ask("verdict", { setup, group });
    if (group !== value("#group") || JSON.stringify(setup) !== JSON.stringify(asked().setup)) return $("#verdict").replaceChildren();
    $("#verdict").replaceChildren(
      el("p", {}, el("span", { class: `chip ${response.kind}` }, response.verdict), ` ${response.reason}`),
      el("details", {}, el("summary", {}, "The figures"), el("pre", {}, response.report)));
  } catch (error) {
    $("#verdict").replaceChildren(el("p", { class: "problem" }, sentenceIn(error)));
  } finally {
    button.disabled = false;
  }
}

// uploaded images -----------------------------------------------------------------------------------------------------

async function bring() {
  const input = /** @type {HTMLInputElement} */ ($("#file"));
  const [file] = input.files ?? [];
  if (!file) return;
  $("#sent").textContent = "being read …";
  try {
    sent = await api("/lab/pictures", { body: file });
    $("#sent").textContent = `${file.name}, ${sent.width} × ${sent.height}: its middle square, in memory only`;
    choose("sent");
  } catch (error) {
    $("#sent").textContent = sentenceIn(error);
  } finally {
    input.value = "";
  }
}

function taken(/** @type {import("./lab_latents.js").Taken} */ picture) {
  generated = picture;
  if (lab.sizes.includes(picture.size)) $("#size").value = String(picture.size);
  choose("generated");
}

function choose(/** @type {string} */ name) {
  pictures();
  $("#picture").value = name;
  $("#picture").dispatchEvent(new Event("change", { bubbles: true }));
}

start().catch((error) => {
  $("#lab").removeAttribute("aria-busy");
  failed(error);
});
