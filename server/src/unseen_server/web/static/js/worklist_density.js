// @ts-check
// Density of the list: compact or wide rows, kept in this browser.
import { $ } from "./api.js";

const KEPT = "unseen_server.worklist.rows";

/** Show the rows as they were last wanted, and let the button change that. */
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
