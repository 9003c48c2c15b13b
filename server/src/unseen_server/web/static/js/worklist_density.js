// @ts-check
// Density of the list: compact or wide rows, kept in this browser.
import { $ } from "./api.js";
import { local } from "./browser_storage.js";

const KEPT = "unseen_server.worklist.rows";

/** Apply the saved density of the rows, and wire the button that changes it. */
export function density() {
  const show = (/** @type {boolean} */ compact) => {
    document.body.dataset.rows = compact ? "compact" : "comfortable";
    $("#compact").setAttribute("aria-pressed", String(compact));
  };
  show(local.get(KEPT) === "compact");
  $("#compact").addEventListener("click", () => {
    const compact = document.body.dataset.rows !== "compact";
    local.set(KEPT, compact ? "compact" : "comfortable");
    show(compact);
  });
}
