// @ts-check
// Conversion between samples (white = dense, from 0) and the values that the file's header states.

/** @typedef {{ centre: number, width: number }} Centred */

const modalityOf = (/** @type {Page.Film | null} */ film) => film?.about?.modality ?? null;

/** Return a sample's value in the file's units: the modality LUT of the stored value; for images the sample itself. */
export function ownValue(/** @type {Page.Film | null} */ film, /** @type {number} */ sample) {
  const modality = modalityOf(film);
  if (!modality) return sample;
  const { slope, intercept, low, high, inverted } = modality;
  return slope * (inverted ? high - sample : sample + low) + intercept;
}

/** Convert a window over samples to the file's units. LINEAR starts at centre − 0.5 − (width − 1)/2, so the half steps are kept. */
export function inOwn(/** @type {Page.Film | null} */ film, /** @type {Centred} */ { centre, width }) {
  const modality = modalityOf(film);
  if (!modality) return { centre, width };
  return { centre: ownValue(film, centre - 0.5) + 0.5, width: (width - 1) * Math.abs(modality.slope) + 1 };
}

/** Convert a window in the file's units to samples. */
export function overSamples(/** @type {Page.Film | null} */ film, /** @type {Centred} */ { centre, width }) {
  const modality = modalityOf(film);
  if (!modality) return { centre, width };
  const { slope, intercept, low, high, inverted } = modality;
  const stored = (centre - 0.5 - intercept) / slope;
  return { centre: (inverted ? high - stored : stored - low) + 0.5, width: (width - 1) / Math.abs(slope) + 1 };
}
