// @ts-check
// Figures as text to take along: as CSV, and as the Python that computes them again.
import { el } from "./api.js";
import { failed, toast } from "./toasts.js";

/** @typedef {string | number | boolean | null | undefined} Cell */

const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i;

/** Return text that a spreadsheet does not read as a formula, by a leading apostrophe. Numbers are not changed. */
export function safeCell(/** @type {string} */ text) {
  return /^'*[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

/** Return rows as CSV (RFC 4180); missing values are empty. */
export function csvOf(/** @type {Cell[][]} */ rows) {
  const cell = (/** @type {Cell} */ value) => {
    const text = value === null || value === undefined ? "" : typeof value === "string" ? safeCell(value) : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/**
 * Fill `box` with the two copy buttons of a figure.
 * @param {Element} box
 * @param {{ name: string, python: () => Promise<string>, csv: () => Cell[][] }} figure  name: for those who hear the page
 */
export function copyButtons(box, { name, python, csv }) {
  const button = (/** @type {string} */ as, /** @type {() => Promise<string>} */ text) =>
    el("button", { type: "button", class: "quiet small", "aria-label": `Copy ${name} as ${as}`, onclick: () => { text().then((found) => copy(found, `${name} as ${as}`)).catch(failed); } }, `Copy as ${as}`);
  box.replaceChildren(button("Python", python), button("CSV", async () => csvOf(csv())));
}

/** Copy text to the clipboard; if the browser does not allow this, show the text for manual copying. */
export async function copy(/** @type {string} */ text, /** @type {string} */ what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`Copied ${what}.`);
  } catch {
    show(text, what); // no TLS, or no permission
  }
}

function show(/** @type {string} */ text, /** @type {string} */ what) {
  const area = el("textarea", { readonly: true, rows: 16, cols: 60, "aria-label": what });
  area.value = text;
  const close = () => { box.close(); box.remove(); };
  const box = el("dialog", { class: "copied", "aria-label": `Copy ${what}` }, el("p", {}, `This browser does not let the page copy. Press Ctrl + C to copy ${what}.`), area, el("button", { type: "button", onclick: close }, "Close"));
  document.body.append(box);
  box.showModal();
  area.select();
}
