// @ts-check
// Forms that the server describes: an operator or a noise is a kind with settings, and each setting a field.
import { $, el } from "./api.js";

/**
 * @typedef {Page.Returned<"GET /lab">["operators"][number]} Choice  @typedef {Choice["settings"][number]} Setting
 * @typedef {{ kind: string } & Record<string, string | number | boolean>} Read
 */

/** @type {Map<string, string | boolean>} */
const memory = new Map(); // the user's settings while the page is open, by a key such as "operator.tomography.views"

/** Set a field before it is drawn, for example from an address; `value` is text. */
export function remember(/** @type {string} */ part, /** @type {string} */ kind, /** @type {string} */ setting, /** @type {string} */ value) {
  memory.set(`${part}.${kind}.${setting}`, value === "true" || value === "false" ? value === "true" : value);
}

/** Fill a select with values and words; the current choice is kept if it still exists. */
export function options(/** @type {HTMLSelectElement} */ select, /** @type {{ value: string | number, words: string }[]} */ entries) {
  const before = select.value;
  select.replaceChildren(...entries.map(({ value, words }) => el("option", { value }, words)));
  if (entries.some(({ value }) => String(value) === before)) select.value = before;
}

/** Draw the fields of a choice in `box`. */
export function drawFields(/** @type {Element} */ box, /** @type {string} */ part, /** @type {Pick<Choice, "kind" | "settings">} */ choice) {
  box.replaceChildren(...choice.settings.flatMap((setting) => field(part, choice.kind, setting)));
}

/** Return the values of the fields: { kind, … }. */
export function readFields(/** @type {string} */ part, /** @type {Pick<Choice, "kind" | "settings">} */ choice) {
  /** @type {Read} */
  const read = { kind: choice.kind };
  for (const setting of choice.settings) {
    const input = /** @type {HTMLInputElement} */ ($(`#${part}-${setting.name}`));
    if (!input.checkValidity()) {
      input.reportValidity();
      throw new Error(`${setting.words}: ${input.validationMessage}`);
    }
    read[setting.name] = setting.kind === "yes" ? input.checked : setting.kind === "one of" ? input.value : Number(input.value);
  }
  return read;
}

/** @returns {Element[]} */
function field(/** @type {string} */ part, /** @type {string} */ kind, /** @type {Setting} */ setting) {
  const id = `${part}-${setting.name}`, key = `${part}.${kind}.${setting.name}`;
  const value = memory.get(key) ?? setting.value;
  const label = el("label", { for: id }, setting.words);
  const keep = (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    memory.set(key, setting.kind === "yes" ? input.checked : input.value);
  };
  if (setting.kind === "yes") return [label, el("input", { type: "checkbox", id, checked: Boolean(value), onchange: keep })];
  if (setting.kind === "one of") {
    const select = el("select", { id, onchange: keep }, setting.options.map((one) => el("option", { value: one }, one)));
    select.value = String(value);
    return [label, select];
  }
  // any number within the bounds is accepted; the slider moves in steps
  const bounds = { min: setting.low, max: setting.high };
  const step = setting.kind === "whole" ? 1 : "any";
  const number = el("input", { type: "number", id, ...bounds, step, value, required: true, oninput: (event) => { keep(event); slider.value = number.value; } });
  const slider = el("input", { type: "range", ...bounds, step: setting.step, value, "aria-label": setting.words, oninput: () => { number.value = slider.value; number.dispatchEvent(new Event("change", { bubbles: true })); memory.set(key, number.value); } });
  return (setting.high ?? 0) > 1000 ? [label, number] : [label, number, slider];
}
