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

const SLOW_MS = 5000;

/** Return the result of a request that changes something; while the server does not answer for some seconds, the page states this. @template V  @param {Promise<V>} request */
export async function announced(request) {
  let away = () => {};
  const due = setTimeout(() => { away = toast("The server has not answered yet, so it is not known whether it has kept what you did last.", { kind: "bad", lasts: 0 }); }, SLOW_MS);
  try {
    return await request;
  } finally {
    clearTimeout(due);
    away();
  }
}

/** Show the message of an error; for handlers: `.catch(failed)`. */
export function failed(/** @type {unknown} */ error) {
  if (!isAbort(error)) toast(sentenceIn(error), { kind: "bad", lasts: 15000 });
}
