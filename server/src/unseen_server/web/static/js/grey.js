// @ts-check
// From samples to grey: the window (DICOM PS3.3 C.11.2.1.2, LINEAR) as a table over all sample values, and halves of a
// film, so that a small image of a large film is the mean of what it stands for and is drawn fast.

/**
 * Return the opaque grey of every sample value, each as a 32-bit word of an ImageData.
 *
 *   x ≤ c − ½ − (w − 1)/2  →  0
 *   x > c − ½ + (w − 1)/2  →  255
 *   else                      ((x − (c − ½)) / (w − 1) + ½) · 255
 */
export function greys(/** @type {number} */ bits, /** @type {Page.Window} */ window, inverted = false) {
  const table = new Uint32Array(2 ** bits);
  const shown = window.lut ? byLut(window.lut) : byFunction(window);
  for (let x = 0; x < table.length; x++) {
    let y = Math.round(255 * shown(x));
    if (inverted) y = 255 - y;
    table[x] = (0xff000000 | (y << 16) | (y << 8) | y) >>> 0; // little-endian: red is the lowest byte
  }
  return table;
}

/** Return a window's function from a sample to [0, 1]; LINEAR if the window names none. @returns {(x: number) => number} */
function byFunction(/** @type {Page.Window} */ { centre: c, width: w, function: name }) {
  if (name === "SIGMOID") return (x) => 1 / (1 + Math.exp((-4 * (x - c)) / w));
  if (name === "LINEAR_EXACT") return (x) => Math.min(1, Math.max(0, (x - c) / w + 0.5));
  const low = c - 0.5 - (w - 1) / 2;
  const high = c - 0.5 + (w - 1) / 2;
  return (x) => (x <= low ? 0 : x > high ? 1 : (x - (c - 0.5)) / (w - 1) + 0.5);
}

/** Return a VOI LUT's function; samples before its first or after its last entry take that entry's value. @returns {(x: number) => number} */
function byLut(/** @type {Page.Lut} */ { first, bits, values }) {
  const most = 2 ** bits - 1;
  return (x) => Math.min(1, values[Math.min(values.length - 1, Math.max(0, x - first))] / most);
}

/** Return the window whose black and white are these samples. */
export function between(/** @type {number} */ low, /** @type {number} */ high) {
  const width = Math.max(1, high - low + 1);
  return { centre: low + width / 2, width };
}

/** Return the level at half the size. A pixel is the mean of the four samples that it covers, or of one or two at an odd edge. */
export function halved(/** @type {Page.Level} */ { samples, width, height }) {
  const across = (width + 1) >> 1;
  const down = (height + 1) >> 1;
  const means = new Uint16Array(across * down);
  const pairs = width >> 1;
  for (let y = 0; y < down; y++) {
    let above = 2 * y * width;
    let below = Math.min(2 * y + 1, height - 1) * width;
    let at = y * across;
    for (let x = 0; x < pairs; x++, above += 2, below += 2) {
      means[at++] = (samples[above] + samples[above + 1] + samples[below] + samples[below + 1] + 2) >> 2;
    }
    if (width & 1) means[at] = (samples[above] + samples[below] + 1) >> 1;
  }
  return { samples: means, width: across, height: down };
}

/** Return the film at 1/2ᵏ of its size; each level is computed once and stored with the film. */
export function level(/** @type {Page.Film} */ film, /** @type {number} */ k) {
  const levels = (film.levels ??= [film]);
  while (levels.length <= k) levels.push(halved(levels[levels.length - 1]));
  return levels[k];
}

/** Return the level for drawing at `scale` screen pixels per sample: the smallest that is not coarser than the screen. */
export function levelFor(/** @type {Page.Film} */ film, /** @type {number} */ scale) {
  const most = Math.max(0, Math.floor(Math.log2(Math.min(film.width, film.height))));
  return Math.max(0, Math.min(most, Math.floor(Math.log2(1 / scale) + 1e-9)));
}
