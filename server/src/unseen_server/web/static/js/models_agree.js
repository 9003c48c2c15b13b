// @ts-check
// Dialog of the second person before an activation: the summary, a note, and a reason where something is missing.
import { el } from "./api.js";

/** @typedef {NonNullable<Page.Returned<"GET /activations">["activations"][number]["summary"]>} Summary */

let number = 0;

/** Return lists of the parts that start, that stop and that are missing. */
export function summaryOf(/** @type {Summary} */ { starts, stops, lacks }) {
  const part = (/** @type {string} */ words, /** @type {string[]} */ sentences, kind = "") =>
    sentences.length ? [el("h3", {}, words), el("ul", { class: `notes ${kind}` }, ...sentences.map((one) => el("li", {}, one)))] : [];
  return el("div", { class: "summary" }, ...part("Starts", starts), ...part("Stops", stops), ...part("Lacks", lacks, "problem"));
}

/**
 * Ask for agreement; resolve to the entered note, or to null on cancel. `summary` is shown; a note is requested unless `note` is null.
 * @param {{ title: string, words?: string, summary?: Summary | null, note: string | null, action: string }} asked
 * @returns {Promise<{ note: string, despite: string } | null>}
 */
export function agree({ title, words = "", summary = null, note, action }) {
  number += 1;
  const id = (/** @type {string} */ name) => `agree-${name}-${number}`;
  const text = el("textarea", { id: id("note"), rows: 2, maxlength: 1000, required: true });
  const reason = el("textarea", { id: id("despite"), rows: 2, maxlength: 2000, required: true });
  const lacking = (summary?.lacks.length ?? 0) > 0;
  const form = el("form", { method: "dialog" },
    el("h2", { id: id("title") }, title),
    words && el("p", {}, words),
    summary && summaryOf(summary),
    lacking && el("div", { class: "field" }, el("label", { for: id("despite") }, "Reason why it should decide all the same"), reason),
    note !== null && el("div", { class: "field" }, el("label", { for: id("note") }, note), text),
    el("div", { class: "row" }, el("button", { type: "submit", value: "yes" }, action), el("button", { type: "submit", value: "no", formnovalidate: true }, "Cancel")));
  const dialog = el("dialog", { class: "agree", "aria-labelledby": id("title") }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes" ? { note: text.value, despite: reason.value } : null);
    });
  });
}
