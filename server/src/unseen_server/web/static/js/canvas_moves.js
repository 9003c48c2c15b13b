// @ts-check
// Zoom, pan and window steps of a `FilmCanvas`, in screen pixels.

/** @typedef {import("./film_canvas.js").FilmCanvas} FilmCanvas */

const SMALLEST = 0.5; // relative to the zoom at which the film fits
const LARGEST = 32; // screen pixels per sample

/** Return the smallest zoom; small films can be shown at one screen pixel per sample. */
export const least = (/** @type {FilmCanvas} */ view) => Math.min(SMALLEST, 1 / view.fitting);

/** Return the largest zoom. */
export const most = (/** @type {FilmCanvas} */ view) => (view.film ? Math.max(1, LARGEST / view.fitting) : 1);

/** Zoom about a point of the canvas. */
export function zoomBy(/** @type {FilmCanvas} */ view, /** @type {number} */ factor, /** @type {Page.Point} */ at) {
  if (!view.film) return;
  const held = view.onFilm(at);
  const zoom = Math.min(most(view), Math.max(least(view), view.zoom * factor));
  const scale = view.fitting * zoom;
  view.setView({
    x: (held.x - (at.x - view.canvas.width / 2) / scale) / view.film.width,
    y: (held.y - (at.y - view.canvas.height / 2) / scale) / view.film.height,
    zoom,
  });
}

/** Move the film by screen pixels. */
export function panBy(/** @type {FilmCanvas} */ view, /** @type {number} */ dx, /** @type {number} */ dy) {
  if (!view.film) return;
  const { x, y } = view.middle;
  view.setView({ x: x - dx / (view.film.width * view.scale), y: y - dy / (view.film.height * view.scale), zoom: view.zoom });
}

/** Change the window by dragging: right for a wider one, up for a brighter image; 400 screen points cover the whole first window. */
export function dragWindow(/** @type {FilmCanvas} */ view, /** @type {number} */ dx, /** @type {number} */ dy) {
  const step = view.first.width / 400;
  const { centre, width, function: how } = view.window;
  view.setWindow({ centre: centre + dy * step, width: width + dx * step * 2, ...(how ? { function: how } : {}) });
}

/** Switch to the next window of the film. */
export function nextWindow(/** @type {FilmCanvas} */ view) {
  const all = view.film?.windows ?? [];
  const at = all.findIndex((one) => one.name === view.window.name);
  if (all.length) view.setWindow(all[(at + 1) % all.length]);
}
