// @ts-check
// Drawing functions of `FilmCanvas`: the visible part of a film through its grey table, rulers and overlays.
import { there } from "./api.js";
import { level, levelFor } from "./grey.js";

/** @typedef {{ scale: number, origin: Page.Point, bounds?: { left: number, top: number, right: number, bottom: number } }} Place  bounds: the part of the canvas that is drawn; without it, the whole canvas */

/**
 * Draw `film` with its corner at `origin` (screen pixels), at `scale` (screen pixels per sample). Only its visible part is computed.
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLCanvasElement} scratch
 * @param {Page.Film} film
 * @param {Uint32Array} table
 * @param {Place} place
 */
export function drawFilm(context, scratch, film, table, { scale, origin, bounds }) {
  const seen = bounds ?? { left: 0, top: 0, right: context.canvas.width, bottom: context.canvas.height };
  const k = levelFor(film, scale);
  const { samples, width, height } = level(film, k);
  const step = scale * 2 ** k; // screen pixels per pixel of this level
  const left = Math.max(0, Math.floor((seen.left - origin.x) / step) - 1);
  const top = Math.max(0, Math.floor((seen.top - origin.y) / step) - 1);
  const right = Math.min(width, Math.ceil((seen.right - origin.x) / step) + 1);
  const bottom = Math.min(height, Math.ceil((seen.bottom - origin.y) / step) + 1);
  if (right <= left || bottom <= top) return;
  const shown = new ImageData(right - left, bottom - top);
  const words = new Uint32Array(shown.data.buffer);
  let at = 0;
  for (let y = top; y < bottom; y++) {
    for (let from = y * width + left, end = y * width + right; from < end; from++) words[at++] = table[samples[from]];
  }
  if (scratch.width < shown.width) scratch.width = shown.width;
  if (scratch.height < shown.height) scratch.height = shown.height;
  there(scratch.getContext("2d")).putImageData(shown, 0, 0);
  // the last column of a level may cover only one sample: do not draw it beyond the film's edge
  const across = Math.min(right, film.width / 2 ** k) - left;
  const down = Math.min(bottom, film.height / 2 ** k) - top;
  context.imageSmoothingEnabled = step !== 1;
  context.imageSmoothingQuality = step < 1 ? "medium" : "high";
  context.drawImage(
    scratch, 0, 0, across, down, origin.x + left * step, origin.y + top * step, across * step, down * step,
  );
}

/** Draw a ruler: its line, its ends (the active one is filled), and its length next to the middle. */
export function drawLine(/** @type {CanvasRenderingContext2D} */ context, /** @type {Page.Line} */ { from, to, words, held }, /** @type {import("./film_canvas.js").FilmCanvas} */ view) {
  const density = devicePixelRatio || 1;
  const [a, b] = [view.onCanvas(from), view.onCanvas(to)];
  for (const [colour, width] of /** @type {[string, number][]} */ ([["#000", 4], ["#ffd84d", 1.6]])) {
    context.strokeStyle = colour;
    context.lineWidth = width * density;
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.lineTo(b.x, b.y);
    context.stroke();
    for (const [i, end] of [a, b].entries()) {
      context.beginPath();
      context.arc(end.x, end.y, 4 * density, 0, 2 * Math.PI);
      context.stroke();
      if (i === held && colour !== "#000") { context.fillStyle = colour; context.fill(); }
    }
  }
  context.font = `600 ${13 * density}px system-ui, sans-serif`;
  const x = Math.min(context.canvas.width - context.measureText(words).width - 8 * density, Math.max(6 * density, (a.x + b.x) / 2 + 8 * density));
  const y = Math.min(context.canvas.height - 8 * density, Math.max(18 * density, (a.y + b.y) / 2 - 8 * density));
  context.lineWidth = 3 * density;
  context.strokeStyle = "#000";
  context.strokeText(words, x, y);
  context.fillStyle = "#ffd84d";
  context.fillText(words, x, y);
}

/** Draw the part `inner` of an image over the part `box` of the film, or the outline of a box. */
export function drawOverlay(/** @type {CanvasRenderingContext2D} */ context, /** @type {Page.Overlay} */ overlay, /** @type {Place} */ { scale, origin }) {
  const [top, left, bottom, right] = "outline" in overlay ? overlay.outline : overlay.box;
  /** @type {[number, number, number, number]} */
  const place = [origin.x + left * scale, origin.y + top * scale, (right - left) * scale, (bottom - top) * scale];
  context.globalAlpha = overlay.opacity ?? 1;
  if ("outline" in overlay) {
    context.strokeStyle = overlay.colour ?? "#ffd84d";
    context.lineWidth = Math.max(1, devicePixelRatio);
    context.strokeRect(...place);
    return;
  }
  const [y, x, height, width] = overlay.inner;
  context.imageSmoothingEnabled = overlay.smooth ?? true;
  context.imageSmoothingQuality = "high";
  context.drawImage(overlay.picture, x, y, width, height, ...place);
}
