// @ts-check
// Images that lie over a film: grey images of the API, fetched and painted as heat map, plain grey or outline of the lungs.
import { api, there } from "./api.js";
import { Kept } from "./films.js";
import { heatColour } from "./heat_map_colours.js";

const LUNGS = [86, 180, 233];

/** Fetch a grey image from the API: {width, height, values}, one byte per value. */
export async function greyPicture(/** @type {string} */ path, /** @type {{ signal?: AbortSignal }} */ { signal } = {}) {
  const answer = await api(path, { as: "response", signal });
  const bitmap = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  const context = there(new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true }));
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i];
  return { width, height, values, headers: answer.headers };
}

const MOST_BYTES = 96 * 2 ** 20;

/** Return a cache of grey images by path, with the images that are painted of them. The outline of the lungs is painted at 512 pixels or more. */
export const keptPictures = () => new Kept((path) => greyPicture(path), { bytesOf: ({ values }) => 2 ** 20 + 13 * values.length, most: MOST_BYTES });

/** Return a heat map in the colours of `heat_map_colours.js`. */
export const heat = (/** @type {Page.Grey} */ grey) => painted(grey, heatColour);

/** Return an opaque grey image. */
export const plain = (/** @type {Page.Grey} */ grey) => painted(grey, (value) => [value, value, value, 1]);

/** Return an image that is transparent outside `mask`. */
export function within(/** @type {OffscreenCanvas} */ picture, /** @type {Page.Grey} */ mask) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = there(canvas.getContext("2d"));
  context.drawImage(painted(mask, (value) => [0, 0, 0, value / 255]), 0, 0);
  context.globalCompositeOperation = "source-in";
  context.drawImage(picture, 0, 0);
  return canvas;
}

/** Return the mask's edge as a thin smooth line with a faint fill, on a grid with `factor` times the resolution. */
export function edged(/** @type {Page.Grey} */ { width, height, values }) {
  const factor = Math.max(2, Math.ceil(512 / Math.max(width, height)));
  const fine = { width: width * factor, height: height * factor, values: new Uint8Array(width * height * factor ** 2) };
  const at = (/** @type {number} */ x, /** @type {number} */ y) => values[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  const inside = new Uint8Array(fine.values.length);
  for (let y = 0; y < fine.height; y++) {
    const v = (y + 0.5) / factor - 0.5;
    const top = Math.floor(v);
    for (let x = 0; x < fine.width; x++) {
      const u = (x + 0.5) / factor - 0.5;
      const left = Math.floor(u);
      const above = at(left, top) * (1 - u + left) + at(left + 1, top) * (u - left);
      const below = at(left, top + 1) * (1 - u + left) + at(left + 1, top + 1) * (u - left);
      inside[y * fine.width + x] = above * (1 - v + top) + below * (v - top) > 127 ? 1 : 0;
    }
  }
  const near = (/** @type {number} */ x, /** @type {number} */ y) => (x < 0 || y < 0 || x >= fine.width || y >= fine.height ? 0 : inside[y * fine.width + x]);
  for (let y = 0; y < fine.height; y++) {
    for (let x = 0; x < fine.width; x++) {
      const deep = near(x - 2, y) & near(x + 2, y) & near(x, y - 2) & near(x, y + 2);
      if (near(x, y)) fine.values[y * fine.width + x] = deep ? 1 : 2;
    }
  }
  return { picture: painted(fine, (value) => [...LUNGS, [0, 0.1, 1][value] ?? 0]), factor };
}

function painted(/** @type {Page.Grey} */ { width, height, values }, /** @type {(value: number) => Page.Colour} */ colour) {
  const canvas = new OffscreenCanvas(width, height);
  const shown = new ImageData(width, height);
  const table = Array.from({ length: 256 }, (_, value) => colour(value));
  values.forEach((value, i) => {
    const [red, green, blue, alpha] = table[value];
    shown.data.set([red, green, blue, Math.round(alpha * 255)], 4 * i);
  });
  there(canvas.getContext("2d")).putImageData(shown, 0, 0);
  return canvas;
}
