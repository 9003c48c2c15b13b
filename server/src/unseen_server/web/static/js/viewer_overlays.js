// @ts-check
// Choice of the overlay on the film: an image of the chosen model, the lungs, or the frame of its view.
import { edged, heat, keptPictures, plain, within } from "./overlay_images.js";

/** @typedef {Page.Returned<"GET /films/{film}/look">["models"][number]} Model */

/**
 * Overlays by key: the button's words, a description, and the function that paints the image.
 * @type {Record<string, { words: string, tells: string, paint: (grey: Page.Grey) => OffscreenCanvas, masked?: boolean }>}
 */
export const PICTURES = {
  map: { words: "Anomaly map", tells: "where the model finds the film unlike normal ones", paint: heat },
  residual: { words: "Residual", tells: "the difference between what it saw and its reconstruction", paint: heat },
  reconstruction: { words: "Reconstruction", tells: "what the model makes of the part that it judges", paint: plain, masked: true },
  image: { words: "As seen", tells: "the film as the model sees it", paint: plain },
};

const pictures = keptPictures();
/** @type {WeakMap<Page.Grey, Map<Function, OffscreenCanvas>>} */
const painted = new WeakMap();
/** @type {WeakMap<Page.Grey, ReturnType<typeof edged>>} */
const edges = new WeakMap();

function paintedBy(/** @type {(grey: Page.Grey) => OffscreenCanvas} */ paint, /** @type {Page.Grey} */ grey, /** @type {Page.Grey | null} */ mask) {
  const made = painted.get(grey) ?? new Map();
  painted.set(grey, made);
  const found = made.get(paint) ?? (mask ? within(paint(grey), mask) : paint(grey));
  made.set(paint, found);
  return found;
}

function edgedOnce(/** @type {Page.Grey} */ grey) {
  const found = edges.get(grey) ?? edged(grey);
  edges.set(grey, found);
  return found;
}

function pathOf(/** @type {string} */ film, /** @type {Model} */ model, /** @type {string} */ what) {
  if (what === "map") return `/films/${film}/map.png?model=${model.model}&high=${model.map_high}`;
  return `/films/${film}/rendition/${what}?model=${model.model}`;
}

/** Report true if a model has this image of the film. */
export function has(/** @type {Model | null} */ model, /** @type {string} */ what) {
  if (!model || model.box === null || model.inner === null) return false;
  if (what === "map") return model.map_high !== null;
  return what === "image" || what === "lungs" ? model.renditions : model.gives_back;
}

/** @typedef {{ what: string, lungs: boolean, frame: boolean, opacity: number }} Chosen */

/** Fetch the overlays of a film, for `FilmCanvas.overlays`. An error has a message for the user. */
export async function overlaysOf(/** @type {string} */ film, /** @type {Model} */ model, /** @type {Chosen} */ chosen) {
  /** @type {Page.Overlay[]} */
  const made = [];
  const { box, inner } = model;
  if (box === null) return made;
  if (inner !== null && PICTURES[chosen.what] && has(model, chosen.what)) {
    const grey = await pictures.get(pathOf(film, model, chosen.what));
    const { paint, words, masked } = PICTURES[chosen.what];
    const mask = masked ? await pictures.get(pathOf(film, model, "inside")) : null;
    const picture = paintedBy(paint, grey, mask);
    made.push({ box, inner, picture, opacity: chosen.opacity, name: words.toLowerCase() });
  }
  if (inner !== null && chosen.lungs && has(model, "lungs")) {
    const { picture, factor } = edgedOnce(await pictures.get(pathOf(film, model, "lungs")));
    const [top, left, height, width] = inner;
    made.push({ box, inner: [top * factor, left * factor, height * factor, width * factor], picture, opacity: Math.max(0.3, chosen.opacity), name: "lungs" });
  }
  if (chosen.frame) made.push({ outline: box, opacity: 0.9, name: "the part that the model looked at" });
  return made;
}
