// @ts-check
// The page's keys, and the table that tells them. A key belongs to a field while somebody types there.
import { $, el, typing } from "./api.js";
import { FILM_KEYS } from "./canvas_input.js";

const STORED = "unseen.keys";
/** @typedef {"normal" | "abnormal" | "unsure"} Outcome */

/** What a key reports. @type {Record<string, Outcome>} */
export const OUTCOMES = { n: "normal", a: "abnormal", u: "unsure" };
const PAGE_KEYS = [
  ["N A U", "report normal, abnormal, unsure, and go on"],
  ["Z", "take the last report back"],
  ["S", "skip: release it, open the next"],
  ["R", "anomaly map or residual on, off"],
  ["Shift + R", "the other of the two"],
  ["L", "lungs"],
  ["O", "opacity, step by step"],
  ["+ −", "more, less opacity"],
  ["1 … 9", "model"],
  ["← →", "films of the study"],
  ["↑ ↓", "frames of a film that has several"],
  ["P", "a prior of the same patient beside: the next one, none"],
  ["M", "triage or research mode"],
  ["Esc", "back to the list"],
  ["?", "these keys"],
];

/** Whether single keys act; some people speak to their machine, and want them off. */
const on = () => localStorage.getItem(STORED) !== "off";

/**
 * @param {(key: string, event: KeyboardEvent) => boolean} act  does what a key says on this page; false: nothing
 * @param {import("./film_canvas.js").FilmCanvas} view  gets what is left, wherever the focus is
 */
export function listen(act, view) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape" && event.target instanceof Element && event.target.matches("input, textarea, select")) {
      view.canvas.focus({ preventScroll: true });
      return;
    }
    if (typing(event)) return;
    if (!on() && event.key.length === 1 && event.key !== "?") return;
    const named = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (act(named, event) || (event.target !== view.canvas && view.key(event))) event.preventDefault();
  }, true);
  $("#help").addEventListener("click", tell);
}

/** Show the keys. */
export function tell() {
  const dialog = /** @type {HTMLDialogElement} */ ($("#keys"));
  const rows = (/** @type {string[][]} */ keys) => keys.map(([key, does]) => el("div", {}, el("dt", {}, ...key.split(" ").map((one) => el("kbd", {}, one))), el("dd", {}, does)));
  const check = el("input", { type: "checkbox", id: "keys-on", onchange: (event) => localStorage.setItem(STORED, event.target.checked ? "on" : "off") });
  check.checked = on();
  dialog.replaceChildren(
    el("h2", { id: "keys-title" }, "Keys"),
    el("div", { class: "keys" },
      el("section", {}, el("h3", {}, "Reading"), el("dl", {}, ...rows(PAGE_KEYS))),
      el("section", {}, el("h3", {}, "The film"), el("dl", {}, ...rows(FILM_KEYS)),
        el("p", { class: "small soft" }, "Drag: window. Shift, space or middle button and drag: move. Wheel or two fingers: zoom. Double click: fit."))),
    el("form", { method: "dialog", class: "keys-end" }, el("label", { for: "keys-on" }, check, " single keys act"), el("button", { class: "main" }, "Close")),
  );
  dialog.showModal();
}
