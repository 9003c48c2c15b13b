// @ts-check
// What was shown to the reader: each film's painting is confirmed to the server, which takes reports on such films alone.
import { api } from "./api.js";

/** @typedef {Page.Returned<"GET /studies/{study}">} Study */

const AGAIN_MS = 3000; // until a confirmation that did not arrive is tried again

/** Films that were painted here and confirmed; the study itself says which were before. */
const confirmed = /** @type {Set<string>} */ (new Set());

/**
 * The film's pixels were painted, and the page is in sight. Done when the server knows.
 * @param {Page.FilmOfApi} film
 * @param {() => boolean} wanted  whether it is still worth trying
 */
export async function confirmSeen(film, wanted) {
  while (!confirmed.has(film.name)) {
    try {
      await api(`/films/${film.name}/seen`, { body: { ticket: film.ticket } });
      confirmed.add(film.name);
    } catch (error) {
      if (!wanted()) throw error;
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}

/** The places of those films that must be looked at before the study can be reported, and were not yet. */
export function unseen(/** @type {Study} */ { films }) {
  return films.flatMap((film, place) => (film.needed && !film.seen && !confirmed.has(film.film) ? [place] : []));
}

/** Why the study cannot be reported yet; "" where it can be. `problem`: why the film that is shown is none. */
export function whyNot(/** @type {Study} */ study, /** @type {number} */ shown, /** @type {string} */ problem) {
  const left = unseen(study);
  if (left.length === 0) return "";
  if (problem && left.includes(shown)) return "This film cannot be shown, so no report can speak of it.";
  const names = left.map((place) => place + 1).join(", ");
  return left.length === 1 && left[0] === shown ? "" : `Not shown yet: film ${names} of ${study.films.length}. Look at every frontal film, then report.`;
}
