// @ts-check
// Films of one SOP Instance UID: versions, of which a person decides which counts, and copies of one film in other bytes.
import { el, serverTime, span } from "./api.js";

/** @typedef {Page.Returned<"GET /studies/{study}">["films"]} Films */

/** Return the indices of the film's versions, itself included; none if it has no other version. */
export function versionsOf(/** @type {Films} */ films, /** @type {number} */ place) {
  const root = (/** @type {Films[number]} */ film) => film.version_of ?? film.film;
  const found = films.flatMap((film, i) => (root(film) === root(films[place]) ? [i] : []));
  return found.length > 1 ? found : [];
}

/** Show the films that are versions of the current one. */
export function showVersions(/** @type {HTMLElement} */ place, /** @type {Films} */ films, /** @type {number} */ shown) {
  const versions = films.length > 0 ? versionsOf(films, shown) : [];
  place.hidden = versions.length === 0;
  const numbers = versions.map((i) => i + 1);
  place.textContent = place.hidden ? "" : `Films ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)} are versions of one film: they have one SOP Instance UID and different pixels. Look at both, and decide which counts.`;
}

/** Show the films that arrived under another patient ID or issuer. */
export function showConflict(/** @type {HTMLElement} */ place, /** @type {string} */ sentence) {
  place.hidden = !sentence;
  place.textContent = sentence ? `${sentence}. They have one Study Instance UID, and no part of the study is cleared. Check whose films they are.` : "";
}

/** Return the copies of a film, each with its differences in the header. @returns {Page.Child[]} */
export function copiesInWords(/** @type {Films[number]} */ film) {
  return film.copies.map(({ changed, source, received }) =>
    el("div", {}, `from ${source}, ${span((serverTime() - Date.parse(received)) / 1000)} ago: `, changed.length ? `other ${changed.join(", ")}` : "the same header, in other bytes"));
}
