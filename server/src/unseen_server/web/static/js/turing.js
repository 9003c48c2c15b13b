// @ts-check
// Visual Turing test "Real or generated?": one image after another, and the answers.

import { $, api, el, statusOf, there, typing } from "./api.js";
import { session } from "./browser_storage.js";
import { numberOf } from "./numbers.js";
import { resultOf, roundsOf } from "./turing_result.js";
import { failed } from "./toasts.js";

const memory = `unseen.turing.${document.body.dataset.account}`;
/** @type {Record<string, "real" | "generated">} */
const KEYS = { r: "real", g: "generated" };

/** @typedef {Page.Returned<"GET /turing/rounds/{number}">} Round */

/** @type {Page.Returned<"GET /turing"> | null} */
let offered = null;
/** @type {Round | null} */
let round = null;
/** @type {Map<number, HTMLImageElement>} */
let pictures = new Map(); // image elements by index k, loading or loaded
let busy = false;

function only(/** @type {string} */ id) {
  for (const one of ["offer", "round", "result"]) $(`#${one}`).hidden = one !== id;
}

// before a round -------------------------------------------------------------------------------------------------------

async function offer() {
  const [found, { rounds }] = await Promise.all([api("/turing"), api("/turing/results")]);
  const { models, missing } = found;
  offered = found;
  $("#missing").textContent = missing;
  $("#form").hidden = !!missing;
  $("#model").replaceChildren(...models.map((one) => el("option", { value: one.model, disabled: !one.counts.length }, one.name)));
  $("#rounds").replaceChildren(roundsOf(rounds));
  only("offer");
  if (!missing) choose();
}

function choose() {
  const { models, choices, preset } = there(offered);
  const { counts, own, generated } = there(models.find((one) => one.model === $("#model").value));
  const chosen = counts.includes(preset) ? preset : counts[0];
  const labels = choices.map((count) =>
    el(
      "label",
      {},
      el("input", { type: "radio", name: "count", value: count, checked: count === chosen, disabled: !counts.includes(count) }),
      ` ${count}`,
    ),
  );
  $("#counts").replaceChildren(...labels);
  $("#about").textContent = `${numberOf(own, "film")} of this site and ${numberOf(generated, "generated image")} to draw from; none is shown twice in a round.`;
}

async function begin(/** @type {Event} */ event) {
  event.preventDefault();
  $("#begin").disabled = true;
  try {
    const count = /** @type {Api.Wanted["count"]} */ (Number(new FormData($("#form")).get("count")));
    enter(await api("/turing/rounds", { body: { model: $("#model").value, count } }));
  } catch (error) {
    failed(error);
  } finally {
    $("#begin").disabled = false;
  }
}

// a round --------------------------------------------------------------------------------------------------------------

function enter(/** @type {Round} */ response) {
  round = response;
  pictures = new Map();
  session.set(memory, response.round);
  only("round");
  step();
}

function left() {
  const { pictures: all, answered } = there(round);
  return all.filter((k) => !answered.includes(k));
}

function picture(/** @type {number} */ k) {
  const made = pictures.get(k) ?? el("img", { src: `/api/v1/turing/rounds/${there(round).round}/pictures/${k}.png`, alt: `Image ${k}: real or generated?` });
  pictures.set(k, made);
  return made;
}

function step() {
  const [k, following] = left();
  if (k === undefined) return void end();
  const { pictures: all, answered } = there(round);
  const n = all.length;
  $("#shown").replaceChildren(picture(k));
  if (following) picture(following); // preloads the next image
  $("#place").textContent = $("#aloud").textContent = `Image ${answered.length + 1} of ${n}`;
  Object.assign($("#bar"), { max: n, value: answered.length });
}

async function say(/** @type {"real" | "generated"} */ kind) {
  const [k] = left();
  if (busy || k === undefined) return;
  busy = true;
  try {
    round = await api(`/turing/rounds/${there(round).round}/answers`, { body: { k, answer: kind } });
    step();
  } catch (error) {
    failed(error);
    if (statusOf(error) === 404) leave();
  } finally {
    busy = false;
  }
}

async function end() {
  const result = await api(`/turing/rounds/${there(round).round}/result`);
  session.remove(memory);
  const another = el("button", { type: "button", class: "main", onclick: leave }, "Another round");
  $("#result").replaceChildren(...resultOf(result, another));
  $("#aloud").textContent = `${result.all.right} of ${result.all.of} right. ${result.words}`;
  only("result");
  another.focus();
}

function leave() {
  round = null;
  session.remove(memory);
  offer().catch(failed);
}

// the page -------------------------------------------------------------------------------------------------------------

$("#form").addEventListener("submit", begin);
$("#model").addEventListener("change", choose);
for (const kind of Object.values(KEYS)) $(`#${kind}`).addEventListener("click", () => say(kind));
document.addEventListener("keydown", (event) => {
  const kind = KEYS[event.key.toLowerCase()];
  if (kind && round && !$("#round").hidden && !typing(event) && !event.repeat) say(kind);
});
const begun = session.get(memory); // a round resumes after a reload
if (begun) api(`/turing/rounds/${begun}`).then(enter).catch(leave);
else offer().catch(failed);
