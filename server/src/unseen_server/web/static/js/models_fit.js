// @ts-check
// Panel "Fit to your site": shows the steps and the next one, which the server determines (`web/fitting.py`).
import { $, api, el } from "./api.js";

/** @type {Record<string, string>} */
const NAMES = { collect: "Collect normal films", gate: "Fit the input gate", calibrate: "Calibrate" };
/** @type {Record<string, [words: string, kind: string]>} */
const STATES = { done: ["done", "good"], next: ["next", "warn"], waits: ["later", ""] };

export async function showFit() {
  const { model_name: model, steps } = await api("/fit");
  $("#fit-words").textContent = model ? `What ${model} knows of this site.` : "";
  $("#fit-steps").replaceChildren(...steps.map((step, i) =>
    el("li", { class: "card", "data-step": step.name },
      el("div", { class: "row" }, el("h2", {}, `${i + 1}. ${NAMES[step.name]}`), el("span", { class: `chip ${STATES[step.state][1]}` }, STATES[step.state][0])),
      el("p", {}, step.words),
      step.do.length ? el("ul", { class: "notes" }, ...step.do.map((words) => el("li", {}, words))) : null,
      ...step.commands.map((command) => el("p", {}, el("code", {}, command))))));
}
