// @ts-check
// Confirmation to the server that a film was displayed; only reports on displayed films are accepted.
import { api } from "./api.js";
import { AGAIN_MS } from "./repeated.js";

/** @typedef {Page.Returned<"GET /studies/{study}">} Study */

/** Films that were displayed and confirmed on this page; the study's response lists the earlier ones. */
const confirmed = /** @type {Set<string>} */ (new Set());

/** Tickets of the frames that were painted on this page, by film. @type {Map<string, string[]>} */
const tickets = new Map();

/**
 * Record that the film was painted on a visible page. Resolves when the server has confirmed it, or if frames of the film are left.
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

/** Return the frames of the film that were not painted on this page yet. */
export function framesLeft(/** @type {Page.FilmOfApi} */ { name, about }) {
  const painted = tickets.get(name) ?? [];
  return Array.from({ length: about.frames }, (_, frame) => frame).filter((frame) => painted[frame] === undefined);
}

/** Return the indices of the films that must be displayed before a report and were not displayed yet. */
export function unseen(/** @type {Study} */ { films }) {
  return films.flatMap((film, place) => (film.needed && !film.seen && !confirmed.has(film.film) ? [place] : []));
}

/** Return the reason why the study cannot be reported yet, or "". `problem`: reason why the current film cannot be displayed. */
export function whyNot(/** @type {Study} */ study, /** @type {number} */ shown, /** @type {string} */ problem, /** @type {number[]} */ frames) {
  const left = unseen(study);
  if (left.length === 0) return "";
  if (problem && left.includes(shown)) return "This film cannot be shown, so no report can speak of it.";
  if (left.includes(shown) && frames.length > 0) return `Not shown yet: frame ${frames.map((one) => one + 1).join(", ")} of this film. Look at every frame, then report.`;
  const names = left.map((place) => place + 1).join(", ");
  return left.length === 1 && left[0] === shown ? "" : `Not shown yet: film ${names} of ${study.films.length}. Look at every frontal film, then report.`;
}
