// @ts-check
// Conversion between samples (white = dense, from 0) and the values that the file's header states.

/** @typedef {{ centre: number, width: number }} Centred */

const modalityOf = (/** @type {Page.Film | null} */ film) => film?.about?.modality ?? null;

/** A sample's value in the file: its modality LUT over what is stored; the sample itself for images. */
export function ownValue(/** @type {Page.Film | null} */ film, /** @type {number} */ sample) {
  const modality = modalityOf(film);
  if (!modality) return sample;
  const { slope, intercept, low, high, inverted } = modality;
  return slope * (inverted ? high - sample : sample + low) + intercept;
}

/** A window over samples, in the file's values; LINEAR goes from centre − 0.5 − (width − 1)/2, so the half steps stay. */
export function inOwn(/** @type {Page.Film | null} */ film, /** @type {Centred} */ { centre, width }) {
  const modality = modalityOf(film);
  if (!modality) return { centre, width };
  return { centre: ownValue(film, centre - 0.5) + 0.5, width: (width - 1) * Math.abs(modality.slope) + 1 };
}

/** A window in the file's values, over samples. */
export function overSamples(/** @type {Page.Film | null} */ film, /** @type {Centred} */ { centre, width }) {
  const modality = modalityOf(film);
  if (!modality) return { centre, width };
  const { slope, intercept, low, high, inverted } = modality;
  const stored = (centre - 0.5 - intercept) / slope;
  return { centre: (inverted ? high - stored : stored - low) + 0.5, width: (width - 1) / Math.abs(slope) + 1 };
}
