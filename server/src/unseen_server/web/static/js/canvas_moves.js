// @ts-check
// Zoom, pan and window steps of a `FilmCanvas`, in screen pixels.

/** @typedef {import("./film_canvas.js").FilmCanvas} FilmCanvas */

const SMALLEST = 0.5; // of the fitting size
const LARGEST = 32; // screen pixels a sample

/** The smallest zoom of what is shown: small films can be seen one screen pixel a sample. */
export const least = (/** @type {FilmCanvas} */ view) => Math.min(SMALLEST, 1 / view.fitting);

/** The largest. */
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

/** Move the film. */
export function panBy(/** @type {FilmCanvas} */ view, /** @type {number} */ dx, /** @type {number} */ dy) {
  if (!view.film) return;
  const { x, y } = view.middle;
  view.setView({ x: x - dx / (view.film.width * view.scale), y: y - dy / (view.film.height * view.scale), zoom: view.zoom });
}

/** Drag the window: to the right wider, upwards brighter; 400 screen points are the whole first window. */
export function dragWindow(/** @type {FilmCanvas} */ view, /** @type {number} */ dx, /** @type {number} */ dy) {
  const step = view.first.width / 400;
  const { centre, width, function: how } = view.window;
  view.setWindow({ centre: centre + dy * step, width: width + dx * step * 2, ...(how ? { function: how } : {}) });
}

/** The window that follows among those of the film. */
export function nextWindow(/** @type {FilmCanvas} */ view) {
  const all = view.film?.windows ?? [];
  const at = all.findIndex((one) => one.name === view.window.name);
  if (all.length) view.setWindow(all[(at + 1) % all.length]);
}
