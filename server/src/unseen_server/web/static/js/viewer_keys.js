// @ts-check
// Key listener of the viewer: passes each key to the page or to the film. A key belongs to a field while somebody types there.
// `viewer_key_help.js` shows the table of the keys; `viewer.js` does what they say.
import { typing } from "./api.js";
import { local } from "./browser_storage.js";

const STORED = "unseen.keys";
/** @typedef {"normal" | "abnormal" | "unsure"} Outcome */

/** Outcome that each key reports. @type {Record<string, Outcome>} */
export const OUTCOMES = { n: "normal", a: "abnormal", u: "unsure" };

/** Report true if single keys act; users of speech input can switch them off. */
export const singleKeysOn = () => local.get(STORED) !== "off";

/** Switch single keys on or off in this browser. */
export const setSingleKeys = (/** @type {boolean} */ on) => local.set(STORED, on ? "on" : "off");

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
    if (!singleKeysOn() && event.key.length === 1 && event.key !== "?") return;
    const named = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (act(named, event) || (event.target !== view.canvas && view.key(event))) event.preventDefault();
  }, true);
}
