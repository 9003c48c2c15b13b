// @ts-check
// Two models: their AUROCs' difference with its interval, and the films on which they disagree most.
import { $, api, el, sentenceIn, there } from "./api.js";
import { ranks, whisker } from "./charts.js";
import { fillGallery } from "./compare_gallery.js";
import { others } from "./compare_labels.js";
import { short } from "./compare_operating.js";
import { whole } from "./percent_words.js";
import { failed } from "./toasts.js";

const IDS = ["#first", "#second"];

/**
 * Fill the section. `placeOf(model)` returns its colour or null; `wanted` are the first two models; `changed` is called after a choice.
 * @param {Page.Returned<"GET /compare/labelled">["models"]} models
 * @param {(model: string) => number | null} placeOf
 * @param {string[]} wanted
 * @param {() => void} changed
 */
export function pairOf(models, placeOf, wanted, changed) {
  const known = wanted.filter((model) => models.some((one) => one.model === model));
  const chosen = [...new Set([...known, ...models.map(({ model }) => model)])].slice(0, 2);
  const nameOf = (/** @type {string} */ model) => there(models.find((one) => one.model === model)).name;
  let asked = 0;
  /** @type {Page.Returned<"GET /compare/difference"> | null} */
  let found = null;

  function options() {
    IDS.forEach((id, i) => {
      $(id).replaceChildren(...models.map(({ model, name }) =>
        el("option", { value: model, selected: model === chosen[i], disabled: model === chosen[1 - i] }, name)));
    });
  }

  async function show() {
    options();
    const mine = ++asked;
    const [first, second] = chosen;
    const query = `first=${first}&second=${second}`;
    found = null;
    $("#difference-words").textContent = "Computing …";
    $("#difference").replaceChildren();
    api(`/compare/disagreements?${query}&limit=48`).then((response) => { if (mine === asked) films(response.films); }).catch(failed);
    try {
      const response = await api(`/compare/difference?${query}&others=${others}`);
      if (mine !== asked) return;
      const { words, difference, p } = (found = response);
      $("#difference-words").textContent = words + (p === null ? "" : ` DeLong’s test: p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}.`);
      const { value, low: from, high: to } = difference;
      if (value === null || from === null || to === null) return;
      const reach = Math.max(0.05, Math.abs(from), Math.abs(to)) * 1.1;
      const [low, high] = [-reach, reach].map((end) => end.toFixed(2).replace("-", "−"));
      $("#difference").replaceChildren(
        whisker({ value, low: from, high: to }, { low: -reach, high: reach, mark: 0, kind: "own" }),
        el("div", { class: "ends small soft" }, el("span", {}, `${low} ${nameOf(second)} better`), el("span", {}, `${nameOf(first)} better +${high}`)),
      );
    } catch (error) {
      if (mine === asked) $("#difference-words").textContent = sentenceIn(error);
    }
  }

  function films(/** @type {Page.Returned<"GET /compare/disagreements">["films"]} */ found) {
    const names = chosen.map(nameOf);
    const places = chosen.map((model, i) => placeOf(model) ?? i);
    $("#disagree-words").textContent = found.length
      ? `By rank among the latest films that both scored: ● ${names[0]}, ■ ${names[1]}; on the right stands what a model finds most unusual.`
      : "No film has been scored by both.";
    const shown = found.map((one) => ({
      film: one.film,
      lines: [
        ranks(one.first_rank, one.second_rank, places),
        el("span", { title: `${names[0]} ${short(one.first_score)}, ${names[1]} ${short(one.second_score)}` }, `● ${whole(one.first_rank)}  ■ ${whole(one.second_rank)}`),
      ],
    }));
    fillGallery($("#disagree"), shown, { title: `${names[0]} and ${names[1]} disagree`, rows: 3 });
  }

  IDS.forEach((id, i) => {
    $(id).addEventListener("change", () => {
      chosen[i] = /** @type {HTMLSelectElement} */ ($(id)).value;
      changed();
      show();
    });
  });
  show();
  return { models: chosen, refresh: show, difference: () => found };
}
