// @ts-check
// Settings of the comparison: kept in the address, so that it can be sent to somebody, and for the rest of the session. No patient data.
import { session } from "./browser_storage.js";

const KEPT = "unseen.compare";
const SHORT = 12; // digits of a model's digest in the address

/**
 * @typedef {{ shown: string[], chosen: string | undefined, thresholds: Record<string, number>, prevalence: number | null, pair: string[] | undefined }} Kept
 * chosen: model whose threshold is shown
 */

/** Return the settings in the address, else the last ones of this session; unknown models are left out. @returns {Kept} */
export function wanted(/** @type {{ model: string }[]} */ models) {
  const given = new URLSearchParams(location.search);
  /** @type {Partial<Kept>} */
  const saved = session.json(KEPT, {});
  const whole = (/** @type {string | null | undefined} */ name) => (name ? models.find(({ model }) => model.startsWith(name))?.model : undefined);
  const every = (/** @type {string[] | undefined} */ names) => names?.flatMap((name) => whole(name) ?? []);
  const number = (/** @type {string} */ name) => (given.get(name) === null || !Number.isFinite(Number(given.get(name))) ? undefined : Number(given.get(name)));
  const chosen = whole(given.get("of") ?? saved.chosen);
  const thresholds = { ...saved.thresholds };
  const at = number("at");
  if (chosen && at !== undefined) thresholds[chosen] = at;
  const share = number("prevalence") ?? saved.prevalence ?? null; // no default
  return {
    shown: every(given.get("models")?.split(",") ?? saved.shown) ?? [], chosen, thresholds,
    prevalence: share !== null && share > 0 && share < 1 ? share : null, pair: every(given.get("pair")?.split(",") ?? saved.pair),
  };
}

/** Save the settings in the session and in the address. */
export function keepShown(/** @type {Kept} */ kept) {
  session.set(KEPT, JSON.stringify(kept));
  const said = new URLSearchParams();
  if (new URLSearchParams(location.search).get("others") === "true") said.set("others", "true");
  const short = (/** @type {string} */ model) => model.slice(0, SHORT);
  said.set("models", kept.shown.map(short).join(","));
  if (kept.chosen) {
    said.set("of", short(kept.chosen));
    said.set("at", String(kept.thresholds[kept.chosen]));
  }
  if (kept.prevalence !== null) said.set("prevalence", String(kept.prevalence));
  if (kept.pair) said.set("pair", kept.pair.map(short).join(","));
  history.replaceState(history.state, "", `${location.pathname}?${said}`.replaceAll("%2C", ","));
}
