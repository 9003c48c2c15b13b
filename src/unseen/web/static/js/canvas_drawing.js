// What a `FilmCanvas` draws: the visible part of a film through its table of greys, and overlays at their place.
import { level, levelFor } from "./grey.js";

/** Draw `film` where `origin` (screen pixels) and `scale` (screen pixels a sample) say; only what is seen is computed. */
export function drawFilm(context, scratch, film, table, { scale, origin }) {
  const { width: canvasWidth, height: canvasHeight } = context.canvas;
  const k = levelFor(film, scale);
  const { samples, width, height } = level(film, k);
  const step = scale * 2 ** k; // screen pixels a pixel of this level
  const left = Math.max(0, Math.floor(-origin.x / step) - 1);
  const top = Math.max(0, Math.floor(-origin.y / step) - 1);
  const right = Math.min(width, Math.ceil((canvasWidth - origin.x) / step) + 1);
  const bottom = Math.min(height, Math.ceil((canvasHeight - origin.y) / step) + 1);
  if (right <= left || bottom <= top) return;
  const shown = new ImageData(right - left, bottom - top);
  const words = new Uint32Array(shown.data.buffer);
  let at = 0;
  for (let y = top; y < bottom; y++) {
    for (let from = y * width + left, end = y * width + right; from < end; from++) words[at++] = table[samples[from]];
  }
  if (scratch.width < shown.width) scratch.width = shown.width;
  if (scratch.height < shown.height) scratch.height = shown.height;
  scratch.getContext("2d").putImageData(shown, 0, 0);
  // a level's last column may stand for one sample only: no more of it is shown than the film has
  const across = Math.min(right, film.width / 2 ** k) - left;
  const down = Math.min(bottom, film.height / 2 ** k) - top;
  context.imageSmoothingEnabled = step !== 1;
  context.imageSmoothingQuality = step < 1 ? "medium" : "high";
  context.drawImage(
    scratch, 0, 0, across, down, origin.x + left * step, origin.y + top * step, across * step, down * step,
  );
}

/** A picture's part `inner` over the film's part `box`, or the outline of a box. */
export function drawOverlay(context, overlay, { scale, origin }) {
  const { picture, box, inner, opacity = 1, smooth = true, outline, colour = "#ffd84d" } = overlay;
  const [top, left, bottom, right] = outline ?? box;
  const place = [origin.x + left * scale, origin.y + top * scale, (right - left) * scale, (bottom - top) * scale];
  context.globalAlpha = opacity;
  if (outline) {
    context.strokeStyle = colour;
    context.lineWidth = Math.max(1, devicePixelRatio);
    context.strokeRect(...place);
    return;
  }
  const [y, x, height, width] = inner;
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, x, y, width, height, ...place);
}
