// @ts-check
// Colours and transparency of heat maps (anomaly map, residual): cividis, as in src/unseen/artifacts/colour_map.py.

/** Ten equal steps of cividis, which is readable with every type of colour vision (Nuñez et al., PLoS ONE 13 (2018) e0199239). */
const CIVIDIS = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115],
  [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56],
];

const SEEN = 0.5; // share of the largest value from which a colour has the full opacity

/** Return the cividis colour at 0 … 1. */
export function cividis(/** @type {number} */ at) {
  const place = Math.min(1, Math.max(0, at)) * (CIVIDIS.length - 1);
  const from = Math.min(CIVIDIS.length - 2, Math.floor(place));
  return CIVIDIS[from].map((low, i) => Math.round(low + (CIVIDIS[from + 1][i] - low) * (place - from)));
}

/** Return colour and opacity of a map's value, 0 … 255. Low values are transparent, so that the film stays visible there. */
export function heatColour(/** @type {number} */ value) {
  return [...cividis(value / 255), Math.min(1, value / 255 / SEEN) ** 1.5];
}
