// @ts-check
// Between samples, as the page holds them (white = dense, from 0), and the values that the file's own header speaks of.

/** @typedef {{ centre: number, width: number }} Centred */

const modalityOf = (/** @type {Page.Film | null} */ film) => film?.about?.modality ?? null;

/** A sample's value in the file: its modality LUT over what is stored; the sample itself for images. */
export function ownValue(/** @type {Page.Film | null} */ film, /** @type {number} */ sample) {
  const modality = modalityOf(film);
  if (!modality) return sample;
  const { slope, intercept, low, high, inverted } = modality;
  return slope * (inverted ? high - sample : sample + low) + intercept;
}

/** A window over samples, in the file's values. LINEAR's half steps are on the other side of what is inverted. */
export function inOwn(/** @type {Page.Film | null} */ film, /** @type {Centred} */ { centre, width }) {
  const modality = modalityOf(film);
  if (!modality) return { centre, width };
  return { centre: ownValue(film, modality.inverted ? centre - 1 : centre), width: width * Math.abs(modality.slope) };
}

/** A window in the file's values, over samples. */
export function overSamples(/** @type {Page.Film | null} */ film, /** @type {Centred} */ { centre, width }) {
  const modality = modalityOf(film);
  if (!modality) return { centre, width };
  const { slope, intercept, low, high, inverted } = modality;
  const stored = (centre - intercept) / slope;
  return { centre: inverted ? high - stored + 1 : stored - low, width: width / Math.abs(slope) };
}
