// @ts-check
// A film turned by quarters and flipped left to right: another one, whose samples lie as they are then seen.

/** @typedef {{ turns: number, flipped: boolean }} Orientation  turns: quarters clockwise, 0 to 3; then flipped */

/** Return the film in this orientation; the same object if it is upright. @param {Page.Film} film @param {Orientation} orientation @returns {Page.Film} */
export function oriented(film, { turns, flipped }) {
  if (turns === 0 && !flipped) return film;
  const { samples, width, height } = film;
  const across = turns % 2 ? height : width;
  const down = turns % 2 ? width : height;
  const seen = new Uint16Array(samples.length);
  for (let y = 0; y < down; y++) {
    // index of the row's first sample, and step from one sample to the next
    let from = turns === 0 ? y * width : turns === 1 ? (height - 1) * width + y : turns === 2 ? (height - y) * width - 1 : width - 1 - y;
    let step = turns === 0 ? 1 : turns === 1 ? -width : turns === 2 ? -1 : width;
    if (flipped) { from += step * (across - 1); step = -step; }
    for (let at = y * across, end = at + across; at < end; at++, from += step) seen[at] = samples[from];
  }
  return { ...film, samples: seen, width: across, height: down, levels: undefined };
}

/** Return the label of a film that is not upright, or "" for an upright film. */
export function markOf(/** @type {Orientation} */ { turns, flipped }) {
  return [turns ? `turned ${90 * turns}°` : "", flipped ? "flipped left to right" : ""].filter(Boolean).join(", ");
}
