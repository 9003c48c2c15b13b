// @ts-check
// Short messages in the corner of every page, and errors as such messages.

import { $, el, isAbort, sentenceIn } from "./api.js";

/**
 * Show a short message; with `action` and `run` it has a button. It stays for 8 s, or until it is dismissed.
 * @param {string} words
 * @param {Page.ToastOptions} options
 */
export function toast(words, { kind = "", action, run, lasts = 8000 } = {}) {
  const note = el("div", { class: `toast ${kind}` }, el("span", {}, words));
  const away = () => note.remove();
  if (!action) for (const old of [...$("#toasts").children]) if (old.textContent === `${words}×`) old.remove(); // no repeated messages
  if (action) note.append(el("button", { type: "button", class: "quiet", onclick: () => { away(); run?.(); } }, action));
  note.append(el("button", { type: "button", class: "quiet close", "aria-label": "Dismiss", onclick: away }, "×"));
  $("#toasts").append(note);
  if (lasts) setTimeout(away, lasts);
  return away;
}

/** Show the message of an error; for handlers: `.catch(failed)`. */
export function failed(/** @type {unknown} */ error) {
  if (!isAbort(error)) toast(sentenceIn(error), { kind: "bad", lasts: 15000 });
}
