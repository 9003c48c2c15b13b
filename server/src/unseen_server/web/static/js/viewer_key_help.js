// @ts-check
// Help on the viewer's keys: the table that "?" shows, and the switch that turns single keys off.
import { $, el } from "./api.js";
import { FILM_KEYS } from "./canvas_input.js";
import { setSingleKeys, singleKeysOn } from "./viewer_keys.js";

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

/** Show the list of keys. */
export function tell() {
  const dialog = /** @type {HTMLDialogElement} */ ($("#keys"));
  const rows = (/** @type {string[][]} */ keys) => keys.map(([key, does]) => el("div", {}, el("dt", {}, ...key.split(" ").map((one) => el("kbd", {}, one))), el("dd", {}, does)));
  const check = el("input", { type: "checkbox", id: "keys-on", onchange: (event) => setSingleKeys(event.target.checked) });
  check.checked = singleKeysOn();
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
