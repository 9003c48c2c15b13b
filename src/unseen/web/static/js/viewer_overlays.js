// What lies over the film: one picture of the chosen model's, the lungs, the frame that it looked at.
import { edged, greyPicture, heat, plain, within } from "./overlay.js";
import { Kept } from "./films.js";

/** By key: the button's words, what it shows, and where the picture comes from. */
export const PICTURES = {
  map: { words: "Anomaly map", tells: "where the model finds the film unlike normal ones", paint: heat },
  residual: { words: "Residual", tells: "the difference between what it saw and its reconstruction", paint: heat },
  reconstruction: { words: "Reconstruction", tells: "what the model makes of the part that it judges", paint: plain, masked: true },
  image: { words: "As seen", tells: "the film as the model sees it", paint: plain },
};

const pictures = new Kept((path) => greyPicture(path));
const painted = new WeakMap();

function paintedBy(paint, grey, mask = null) {
  const made = painted.get(grey) ?? new Map();
  painted.set(grey, made);
  if (!made.has(paint)) made.set(paint, mask ? within(paint(grey), mask) : paint(grey));
  return made.get(paint);
}

function pathOf(film, model, what) {
  if (what === "map") return `/films/${film}/map.png?model=${model.model}&high=${model.map_high}`;
  return `/films/${film}/rendition/${what}?model=${model.model}`;
}

/** Whether a model has this picture of the film. */
export function has(model, what) {
  if (!model || model.box === null || model.inner === null) return false;
  if (what === "map") return model.map_high !== null;
  return what === "image" || what === "lungs" ? model.renditions : model.gives_back;
}

/** The overlays of a film, for `FilmCanvas.overlays`. `chosen`: {what, lungs, frame, opacity}. Fails with a sentence. */
export async function overlaysOf(film, model, chosen) {
  const made = [];
  const place = model && { box: model.box, inner: model.inner };
  if (PICTURES[chosen.what] && has(model, chosen.what)) {
    const grey = await pictures.get(pathOf(film, model, chosen.what));
    const { paint, words, masked } = PICTURES[chosen.what];
    const mask = masked && (await pictures.get(pathOf(film, model, "inside")));
    const picture = paintedBy(paint, grey, mask);
    made.push({ ...place, picture, opacity: chosen.opacity, name: words.toLowerCase() });
  }
  if (chosen.lungs && has(model, "lungs")) {
    const { picture, factor } = paintedBy(edged, await pictures.get(pathOf(film, model, "lungs")));
    const inner = model.inner.map((value) => value * factor);
    made.push({ ...place, inner, picture, opacity: Math.max(0.3, chosen.opacity), name: "lungs" });
  }
  if (chosen.frame && place) made.push({ outline: model.box, opacity: 0.9, name: "the part that the model looked at" });
  return made;
}
