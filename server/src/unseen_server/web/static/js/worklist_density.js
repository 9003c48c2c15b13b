// @ts-check
// Density of the list: compact or wide rows, kept in this browser.
import { $ } from "./api.js";

const KEPT = "unseen_server.worklist.rows";

/** Apply the saved density of the rows, and wire the button that changes it. */
export function density() {
  const show = (/** @type {boolean} */ compact) => {
    document.body.dataset.rows = compact ? "compact" : "comfortable";
    $("#compact").setAttribute("aria-pressed", String(compact));
  };
  show(localStorage.getItem(KEPT) === "compact");
  $("#compact").addEventListener("click", () => {
    const compact = document.body.dataset.rows !== "compact";
    localStorage.setItem(KEPT, compact ? "compact" : "comfortable");
    show(compact);
  });
}
