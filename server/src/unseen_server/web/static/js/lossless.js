// @ts-check
// The samples of a film from what the server sends of them (`web/lossless.py`); the browser itself undoes gzip.

/**
 * Return the film's samples, row by row, from `GET /films/{film}/pixels?coding=residuals`.
 * @param {ArrayBuffer} residuals  low bytes, then high bytes, of each sample's difference from its prediction
 */
export function restored(residuals, /** @type {number} */ width, /** @type {number} */ height) {
  const count = width * height;
  const low = new Uint8Array(residuals, 0, count);
  const high = new Uint8Array(residuals, count);
  const samples = new Uint16Array(count);
  let left = 0;
  for (let at = 0; at < width; at++) samples[at] = left = (left + difference(low[at] | (high[at] << 8))) & 0xffff;
  for (let from = width; from < count; from += width) restoreRow(samples, low, high, from, width);
  return samples;
}

/** Restore a row without branches, which a processor cannot predict in a film's noise; this takes a third of the time. */
function restoreRow(/** @type {Uint16Array} */ samples, /** @type {Uint8Array} */ low, /** @type {Uint8Array} */ high, /** @type {number} */ from, /** @type {number} */ width) {
  let left = samples[from - width] | 0; // the sample above is the left neighbour of the first column
  let corner = left;
  for (let at = from; at < from + width; at++) {
    const up = samples[at - width] | 0;
    const less = (left - up) & ((left - up) >> 31); // left − up if negative, else 0
    const least = (up + less) | 0;
    const most = (left - less) | 0;
    let guess = (left + up - corner) | 0;
    guess = (most + ((guess - most) & ((guess - most) >> 31))) | 0; // the smaller of the two
    guess = (guess - ((guess - least) & ((guess - least) >> 31))) | 0; // the larger of the two
    left = (guess + difference(low[at] | (high[at] << 8))) & 0xffff;
    samples[at] = left;
    corner = up;
  }
}

/** Map 0, 1, 2, 3, 4 … to 0, −1, 1, −2, 2 … */
const difference = (/** @type {number} */ coded) => (coded >> 1) ^ -(coded & 1);
