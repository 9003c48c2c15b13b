// @ts-check
// Confirmation to the server that a film was displayed; only reports on displayed films are accepted.
import { api } from "./api.js";

/** @typedef {Page.Returned<"GET /studies/{study}">} Study */

const AGAIN_MS = 3000; // until a confirmation that did not arrive is tried again

/** Films that were painted here and confirmed; the study itself says which were before. */
const confirmed = /** @type {Set<string>} */ (new Set());

/** The tickets of frames that were painted here, by film. @type {Map<string, string[]>} */
const tickets = new Map();

/**
 * The film's pixels were painted, and the page is in sight. Done when the server knows, or frames of it are left.
 * @param {Page.FilmOfApi} film
 * @param {() => boolean} wanted  whether it is still worth trying
 */
export async function confirmSeen(film, wanted) {
  const painted = tickets.get(film.name) ?? [];
  tickets.set(film.name, painted);
  painted[film.frame] = film.ticket;
  if (framesLeft(film).length > 0) return;
  const [ticket, ...further] = painted;
  while (!confirmed.has(film.name)) {
    try {
      await api(`/films/${film.name}/seen`, { body: { ticket, further } });
      confirmed.add(film.name);
    } catch (error) {
      if (!wanted()) throw error;
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}

/** Those frames of the film that were not painted here yet. */
export function framesLeft(/** @type {Page.FilmOfApi} */ { name, about }) {
  const painted = tickets.get(name) ?? [];
  return Array.from({ length: about.frames }, (_, frame) => frame).filter((frame) => painted[frame] === undefined);
}

/** The places of those films that must be looked at before the study can be reported, and were not yet. */
export function unseen(/** @type {Study} */ { films }) {
  return films.flatMap((film, place) => (film.needed && !film.seen && !confirmed.has(film.film) ? [place] : []));
}

/** Why the study cannot be reported yet; "" where it can be. `problem`: why the film that is shown is none. */
export function whyNot(/** @type {Study} */ study, /** @type {number} */ shown, /** @type {string} */ problem, /** @type {number[]} */ frames) {
  const left = unseen(study);
  if (left.length === 0) return "";
  if (problem && left.includes(shown)) return "This film cannot be shown, so no report can speak of it.";
  if (left.includes(shown) && frames.length > 0) return `Not shown yet: frame ${frames.map((one) => one + 1).join(", ")} of this film. Look at every frame, then report.`;
  const names = left.map((place) => place + 1).join(", ");
  return left.length === 1 && left[0] === shown ? "" : `Not shown yet: film ${names} of ${study.films.length}. Look at every frontal film, then report.`;
}
