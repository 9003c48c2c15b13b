// @ts-check
// Percentages and percentiles, written in one way on every page; each percentile with the size of its reference.

/** A share as every page writes it: 5 %, 97 %, 99.9 %. */
export const percent = (/** @type {number} */ share) => `${Number((100 * share).toPrecision(share > 0.995 && share < 1 ? 4 : 3)).toString()} %`;

/** A share with one digit after the point, for tables of measured shares; a dash for none. */
export const measured = (/** @type {number | null} */ share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);

/** A share without its digits after the point, for narrow places: never 0 % or 100 % for what is neither. */
export const whole = (/** @type {number} */ share) => `${share > 0 && share < 0.005 ? "< 1" : share < 1 && share > 0.995 ? "> 99" : Math.round(100 * share)} %`;

/** A percentile in words, so that nobody takes it for a probability that stands above it: "above 85 %". */
export const above = (/** @type {number} */ rank) => (rank >= 1 ? "above all" : rank <= 0 ? "above none" : `above ${rank > 0.995 ? "99 %" : whole(rank)}`);

/** @typedef {{ words: string, count: number, needed: number }} Reference */

/** A film's place among the reference, in a few words: "97 % of 212"; "–" where there are too few. */
export const placeOf = (/** @type {number | null} */ rank, /** @type {Reference} */ reference) => (rank === null ? "–" : `${whole(rank)} of ${reference.count}`);

/** What is compared, in a sentence: "Compared with 212 normal films from this site." */
export function comparedWith(/** @type {Reference | null} */ reference) {
  if (reference === null || reference.words === "") return "";
  const { words, count, needed } = reference;
  return count < needed ? `${words[0].toUpperCase()}${words.slice(1)}.` : `Compared with ${words}.`;
}
