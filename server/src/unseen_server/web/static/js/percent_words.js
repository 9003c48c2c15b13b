// @ts-check
// Percentages and percentiles in words, written in one way on every page; each percentile with the size of its reference.
// Its counterpart in Python is src/unseen/artifacts/percentile.py.

/** Return the first of the texts that is not 0 or 100, unless the share is exactly 0 or 1. */
const exact = (/** @type {number} */ share, /** @type {string[]} */ texts) =>
  texts.find((text) => share === 0 || share === 1 || ![0, 100].includes(Number(text))) ?? texts[texts.length - 1];

/** Return a share as every page writes it: 5 %, 97 %, 99.9 %; 100 % only if exact. */
export const percent = (/** @type {number} */ share) => `${Number(exact(share, [share > 0.995 && share < 1 ? 4 : 3, 6, 9].map((digits) => (100 * share).toPrecision(digits))))} %`;

/** Return a measured share with one decimal, for tables, or with more where it would be 0 or 100 %; "unknown" if there is none. */
export const measured = (/** @type {number | null} */ share) => (share === null ? "unknown" : `${exact(share, [1, 2, 3, 6].map((digits) => (100 * share).toFixed(digits)))} %`);

/** Return a share as a whole percentage, for narrow columns: 0 % and 100 % only if exact. */
export const whole = (/** @type {number} */ share) => `${share > 0 && share < 0.005 ? "< 1" : share < 1 && share > 0.995 ? "> 99" : Math.round(100 * share)} %`;

/** @typedef {{ words: string, count: number, needed: number, of_site: boolean }} Reference */

/** Return a percentile for narrow columns, rounded down as in the server's sentences: 94.9 % is not 95 %. */
export const placeOf = (/** @type {number | null} */ rank) => (rank === null ? "no reference" : `${Math.floor(100 * rank + 1e-9)} %`);

/** Return a model's score and percentile as text: "score 3.1, higher than 84 % of 35 normals of this site". */
export const scoreInWords = (/** @type {{ score: number | null, sentence: string }} */ { score, sentence }) =>
  score === null ? "no score" : `score ${Number(score.toPrecision(3))}, ${sentence}`;

/** Return a sentence about the reference: "Compared with 35 normals of this site." */
export function comparedWith(/** @type {Reference | null} */ reference) {
  if (reference === null || reference.words === "") return "";
  const { words } = reference;
  return words.startsWith("no reference") ? `${words[0].toUpperCase()}${words.slice(1)}.` : `Compared with ${words}.`;
}
