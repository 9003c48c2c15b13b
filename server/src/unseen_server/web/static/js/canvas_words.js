// @ts-check
// Description of a `FilmCanvas` in words, for screen readers.
import { markOf } from "./canvas_orientation.js";

/** Return a description of the canvas in one or more sentences. */
export function inWords(/** @type {import("./film_canvas.js").FilmCanvas} */ view) {
  const { film, label, window, inverted, line } = view;
  if (!film) return `${label}: nothing is shown.`;
  const mark = markOf(view.orientation);
  const over = view.overlays.filter((one) => one.name && (one.opacity ?? 0) > 0).map((one) => one.name).join(", ");
  return [
    `${label}, ${film.width} by ${film.height} pixels.`,
    `Window centre ${Math.round(window.centre)}, width ${Math.round(window.width)}${inverted ? ", inverted" : ""}.`,
    `Zoom ${Math.round(view.scale * 100)} %.`,
    over && `Overlaid: ${over}.`,
    mark && `${mark[0].toUpperCase()}${mark.slice(1)}.`,
    line && `Ruler: ${line.words}.`,
  ].filter(Boolean).join(" ");
}
