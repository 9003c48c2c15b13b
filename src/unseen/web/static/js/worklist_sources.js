// @ts-check
// The sources by which the list can be filtered.
import { $, el } from "./api.js";

const chooser = /** @type {HTMLSelectElement} */ ($("#source"));

/** Offer these sources too, and show which is chosen; a new film may bring a new one. */
export function offer(/** @type {string[]} */ sources, /** @type {string} */ chosen) {
  const known = new Set([...chooser.options].map((option) => option.value));
  const missing = [...new Set([...sources, chosen])].filter((source) => !known.has(source));
  chooser.append(...missing.map((source) => el("option", { value: source }, source)));
  if (chooser.value !== chosen) chooser.value = chosen;
}
