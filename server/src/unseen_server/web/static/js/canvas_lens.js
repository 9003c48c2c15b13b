// @ts-check
// A magnifier on a film, and the grey value under the pointer.
import { drawFilm } from "./canvas_drawing.js";

/** @typedef {import("./film_canvas.js").FilmCanvas} FilmCanvas */

const TIMES = 2.5; // magnification relative to the film's zoom; at least one screen pixel per sample
const SHARE = 0.2; // radius as a share of the canvas's shorter side
const MOST = 180; // largest radius, in screen points

/** Return the sample at a point of a film, in samples; null outside the film. */
export function sampleAt(/** @type {Page.Film} */ { samples, width, height }, /** @type {Page.Point} */ { x, y }) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= width || row >= height) return null;
  return { sample: samples[row * width + column], column, row };
}

export class Lens {
  #at = /** @type {Page.Point | null} */ (null);
  on = false;

  constructor(/** @type {FilmCanvas} */ view) {
    this.view = view;
    view.addEventListener("hover", (event) => {
      this.#at = /** @type {CustomEvent} */ (event).detail.at;
      if (this.on) view.later();
    });
  }

  /** Centre of the magnified area: the pointer, or the middle of the canvas without a pointer, where keys move the film. */
  get at() { return this.#at ?? { x: this.view.canvas.width / 2, y: this.view.canvas.height / 2 }; }

  toggle() {
    this.on = !this.on;
    this.view.later();
    this.view.dispatchEvent(new CustomEvent("lens", { detail: { on: this.on } }));
  }

  draw(/** @type {CanvasRenderingContext2D} */ context, /** @type {HTMLCanvasElement} */ scratch, /** @type {Uint32Array} */ table) {
    const { view, at } = this;
    if (!this.on || !view.film) return;
    const density = devicePixelRatio || 1;
    const radius = Math.min(MOST * density, SHARE * Math.min(context.canvas.width, context.canvas.height));
    const scale = Math.max(TIMES * view.scale, density);
    const held = view.onFilm(at);
    context.save();
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    context.fillStyle = "#000";
    context.fill();
    context.clip();
    const bounds = { left: at.x - radius, top: at.y - radius, right: at.x + radius, bottom: at.y + radius };
    drawFilm(context, scratch, view.film, table, { scale, origin: { x: at.x - held.x * scale, y: at.y - held.y * scale }, bounds });
    context.restore();
    context.lineWidth = 1.5 * density;
    context.strokeStyle = "#ffd84d";
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}
