// @ts-check
// Effect of a threshold on labelled films, by the screener's rule: a score below the threshold is cleared, all others are
// read. Pure: numbers in, numbers out; the API's figures with intervals are made by the server.

/** @typedef {{ label: string, score: number }} Labelled  @typedef {{ normal: Float64Array, abnormal: Float64Array }} Scores */

/** Return the scores of each label in ascending order. */
export function byLabel(/** @type {Labelled[]} */ films) {
  const of = (/** @type {string} */ label) => Float64Array.from(films.filter((film) => film.label === label), (film) => film.score).sort();
  return { normal: of("normal"), abnormal: of("abnormal") };
}

/** Return the number of ascending `scores` strictly below `threshold`. */
export function below(/** @type {Float64Array} */ scores, /** @type {number} */ threshold) {
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] < threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Return the figures at a threshold.
 *
 *   sensitivity = read abnormal / abnormal          specificity = cleared normal / normal
 *   PPV = se · p / (se · p + (1 − sp)(1 − p))       NPV = sp (1 − p) / (sp (1 − p) + (1 − se) p)
 *
 * with the prevalence p that the user entered. A figure is null if a class has no film, if nothing is read or cleared, or
 * (PPV and NPV) if no prevalence was entered.
 */
export function atThreshold(/** @type {Scores} */ { normal, abnormal }, /** @type {number} */ threshold, /** @type {number | null} */ prevalence) {
  const missed = below(abnormal, threshold);
  const right = below(normal, threshold);
  const caught = abnormal.length - missed;
  const alarms = normal.length - right;
  const sensitivity = share(caught, abnormal.length);
  const specificity = share(right, normal.length);
  const known = sensitivity !== null && specificity !== null && prevalence !== null;
  const read = known ? [sensitivity * prevalence, (1 - specificity) * (1 - prevalence)] : [0, 0];
  const cleared = known ? [specificity * (1 - prevalence), (1 - sensitivity) * prevalence] : [0, 0];
  return {
    missed, right, caught, alarms, sensitivity, specificity,
    cleared: missed + right,
    ppv: share(read[0], read[0] + read[1]),
    npv: share(cleared[0], cleared[0] + cleared[1]),
  };
}

/** Return the highest threshold at which no abnormal film is cleared. */
export function nothingMissed(/** @type {Scores} */ { normal, abnormal }) {
  return written(abnormal[0], [...normal]);
}

/** Return the threshold with the largest sensitivity + specificity; the lowest one of a tie. */
export function balanced(/** @type {Scores} */ { normal, abnormal }) {
  let best = { gain: -Infinity, threshold: 0 };
  for (const threshold of [...normal, ...abnormal].sort((a, b) => a - b)) {
    const gain = below(normal, threshold) / normal.length - below(abnormal, threshold) / abnormal.length;
    if (gain > best.gain + 1e-12) best = { gain, threshold };
  }
  return written(best.threshold, [...normal, ...abnormal]);
}

/** Return the number with the fewest digits that separates `scores` in the same way as `threshold`. */
function written(/** @type {number} */ threshold, /** @type {number[]} */ scores) {
  const under = scores.reduce((most, score) => (score < threshold && score > most ? score : most), -Infinity);
  for (let digits = 0; digits < 16; digits++) {
    const down = Math.floor(threshold * 10 ** digits) / 10 ** digits;
    if (down > under && down <= threshold) return down;
  }
  return threshold;
}

/** Return a film's cell at a threshold: "missed", "right", "caught" or "alarms". */
export function cellOf(/** @type {Labelled} */ { label, score }, /** @type {number} */ threshold) {
  if (label === "abnormal") return score < threshold ? "missed" : "caught";
  return score < threshold ? "right" : "alarms";
}

/** Return the shares of one class's scores in equal bins from `low` to `high`. */
export function binned(/** @type {ArrayLike<number> & Iterable<number>} */ scores, /** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ count) {
  /** @type {number[]} */
  const shares = new Array(count).fill(0);
  for (const score of scores) {
    const place = Math.floor(((score - low) / (high - low)) * count);
    shares[Math.min(count - 1, Math.max(0, place))] += 1 / scores.length;
  }
  return shares;
}

/** Return a score with four digits. */
export const short = (/** @type {number} */ score) => String(Number(score.toPrecision(4))).replace("-", "−");

const share = (/** @type {number} */ part, /** @type {number} */ whole) => (whole > 0 ? part / whole : null);

/** Return a dragged score, rounded to the resolution of the drag, so that the field shows the exact threshold. */
export function rounded(/** @type {number} */ score, /** @type {{ low: number, high: number }} */ { low, high }) {
  const digits = Math.max(0, Math.ceil(3 - Math.log10(high - low)));
  return Number(score.toFixed(Math.min(12, digits)));
}
