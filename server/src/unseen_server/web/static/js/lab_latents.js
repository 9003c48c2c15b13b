// @ts-check
// Imaging lab: sliders of a generator's latent; one request at a time, for the latest position.
import { $, el } from "./api.js";
import { ask as askLab } from "./lab_asking.js";
import { options } from "./lab_form.js";
import { numberOf } from "./numbers.js";
import { failed } from "./toasts.js";

/** @typedef {{ generator: string, latent: number[], size: number }} Taken */

/** @type {number[]} */
let latent = [];
let number = 0;
/** @type {Api.GeneratedResponse | null} */
let response = null; // latest response
let asking = false;
let again = false;
let take = (/** @type {Taken} */ _picture) => {};

/** Show the generators' part of the page; `taken` is called when the user chooses an image for the lab. */
export function showLatents(/** @type {Page.Returned<"GET /lab">} */ lab, /** @type {(picture: Taken) => void} */ taken) {
  take = taken;
  const none = $("#no-generator");
  none.hidden = lab.generators.length > 0;
  $("#generators").hidden = !none.hidden;
  none.textContent = lab.shelf
    ? "The lab's folder holds no generator. Train one (unseen prior train), put its bundle into the folder that --lab names, and load this page again. This place then has sliders for its latent, and range and soft are offered as methods."
    : "This server was given no folder of models. Start it with --lab FOLDER, or set UNSEEN_LAB: reconstructors in it become methods, and this place has sliders for each generator's latent.";
  $("#refused").hidden = !lab.refused.length;
  $("#refused").replaceChildren(...lab.refused.map((words) => el("li", {}, words)));
  if (!lab.generators.length) return;
  options($("#generator"), lab.generators.map(({ key, name }) => ({ value: key, words: name })));
  const begin = () => {
    $("#generator-about").textContent = lab.generators.find(({ key }) => key === $("#generator").value)?.about ?? "";
    ask(null).catch(failed);
  };
  $("#generator").addEventListener("change", begin);
  $("#draw").addEventListener("click", () => { number = (number + 1) % 10000; ask(null).catch(failed); });
  $("#mean").addEventListener("click", () => { latent = latent.map(() => 0); sliders(); ask(latent).catch(failed); });
  $("#take").addEventListener("click", () => { if (response) take({ generator: $("#generator").value, latent: [...response.latent], size: response.size }); });
  begin();
}

/** Return the current generator and latent. */
export const latentNow = () => ({ generator: $("#generator").value, latent: [...latent] });

/** @returns {Promise<void>} */
async function ask(/** @type {number[] | null} */ wanted) {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    const found = await askLab("generated", { generator: $("#generator").value, latent: wanted, number });
    response = found;
    Object.assign($("#generated"), { src: found.picture, hidden: false });
    if (wanted === null) {
      latent = found.latent;
      sliders();
    }
    const length = Math.hypot(...found.latent);
    $("#latent-words").textContent = `‖z‖ = ${length.toFixed(2)}; typical are ${Math.sqrt(found.latent.length).toFixed(1)} (z ~ N(0, I), ${numberOf(found.latent.length, "number")})`;
  } finally {
    asking = false;
  }
  if (again) {
    again = false;
    await ask(latent);
  }
}

function sliders() {
  if (!response) return;
  const { sliders: count, reach } = response;
  $("#sliders").replaceChildren(...latent.slice(0, count).map((value, i) => {
    const output = el("output", {}, value.toFixed(2));
    const slider = el("input", { type: "range", min: -reach, max: reach, step: 0.05, value, "aria-label": `z ${i + 1}`, oninput: () => {
      latent[i] = Number(slider.value);
      output.textContent = latent[i].toFixed(2);
      ask(latent).catch(failed);
    } });
    return el("label", {}, `z ${i + 1}`, slider, output);
  }));
}
