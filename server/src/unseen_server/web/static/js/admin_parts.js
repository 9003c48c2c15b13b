// @ts-check
// Administration, shared parts: rows of a table, figures with units, and the question before a removal.
import { el } from "./api.js";

/**
 * Ask for confirmation by typing `word`; resolve to true if it is given.
 * @param {{ title: string, parts: [string, string[]][], word: string, action: string }} asked
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, parts, word, action }) {
  const typed = el("input", { id: "confirm-word", autocomplete: "off", spellcheck: "false", autocapitalize: "none" });
  const go = el("button", { type: "submit", value: "yes", class: "danger", disabled: true }, action);
  typed.addEventListener("input", () => { go.disabled = typed.value.trim().toLowerCase() !== word; });
  const field = el("div", { class: "field" }, el("label", { for: "confirm-word" }, "This cannot be undone. To go on, type ", el("b", {}, word)), typed);
  const answer = ask(title, parts, field, el("div", { class: "row" }, go, el("button", { type: "submit", value: "no" }, "Cancel")));
  typed.focus();
  return answer;
}

/**
 * Ask for confirmation of a reversible change; resolve to true if it is given. Enter alone cancels.
 * @param {{ title: string, parts: [string, string[]][], action: string }} asked
 * @returns {Promise<boolean>}
 */
export function agreed({ title, parts, action }) {
  const cancel = el("button", { type: "submit", value: "no" }, "Cancel");
  const answer = ask(title, parts, el("div", { class: "row" }, cancel, el("button", { type: "submit", value: "yes", class: "danger" }, action)));
  cancel.focus();
  return answer;
}

/** Show a dialog with a title and lists; resolve to true if a "yes" button closes it. @param {string} title  @param {[string, string[]][]} parts  @param {HTMLElement[]} rest  @returns {Promise<boolean>} */
function ask(title, parts, ...rest) {
  const form = el("form", { method: "dialog" },
    el("h2", { id: "confirm-title" }, title),
    ...parts.filter(([, sentences]) => sentences.length).flatMap(([heading, sentences]) => [el("h3", {}, heading), el("ul", { class: "notes" }, ...sentences.map((one) => el("li", {}, one)))]),
    ...rest);
  const dialog = el("dialog", { class: "confirm", "aria-labelledby": "confirm-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
  });
}

/** Fill a table with rows. Each cell gets its column's name, because rows become lists on a narrow screen. */
export function fill(/** @type {HTMLElement} */ body, /** @type {HTMLTableRowElement[]} */ rows, { add = false } = {}) {
  const names = [...(body.parentElement?.querySelectorAll("thead th") ?? [])].map((one) => one.textContent ?? "");
  for (const row of rows) [...row.cells].forEach((cell, i) => { if (cell.tagName === "TD") cell.dataset.label = names[i]; });
  if (!add) body.replaceChildren();
  body.append(...rows);
}

/** Return a size with its unit: "1.2 GB". */
export function size(/** @type {number} */ bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
