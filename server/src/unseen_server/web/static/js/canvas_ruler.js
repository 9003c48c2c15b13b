// @ts-check
// A ruler on a film: two ends that are dragged, or moved by keys; its length in millimetres where the film knows its spacing.

/** @typedef {import("./film_canvas.js").FilmCanvas} FilmCanvas */

const NEAR = 24; // screen pixels around an end within which a press selects it
const START = 0.25; // first distance of each end from the middle of the view, as a share of the film's shorter side
const STEP = 4; // screen pixels by which a key moves an end; one fifth of that with shift

/** Return a length as text. @param {number} pixels  of the film @param {Page.Film} film */
export function lengthInWords(pixels, film) {
  const { spacingMm: spacing, about } = film;
  if (!spacing) return `${Math.round(pixels)} px, the film gives no spacing`;
  const mm = pixels * spacing;
  return `${mm < 100 ? mm.toFixed(1) : mm.toFixed(0)} mm${about?.spacing === "calibrated" ? "" : " at the detector"}`;
}

export class Ruler {
  /** @type {[Page.Point, Page.Point] | null} */
  #ends = null;
  #held = 0;
  #placing = false;

  /** @param {FilmCanvas} view  @param {(words: string) => void} onChange  gets the length in words; "" when it is put away */
  constructor(view, onChange) {
    this.view = view;
    this.onChange = onChange;
    view.addEventListener("orientation", () => this.away());
  }

  get on() { return this.#ends !== null; }

  /** Show the ruler across the middle of the view, or hide it. */
  toggle() {
    const { film } = this.view;
    if (this.#ends || !film) return this.away();
    const middle = { x: this.view.middle.x * film.width, y: this.view.middle.y * film.height };
    const half = (START * Math.min(film.width, film.height)) / Math.max(1, this.view.zoom);
    this.#ends = [{ x: middle.x - half, y: middle.y }, { x: middle.x + half, y: middle.y }];
    this.#held = 1;
    this.#changed();
  }

  away() {
    if (!this.#ends) return;
    this.#ends = null;
    this.#changed();
  }

  /** Handle a pointer press: select an end near it, or start a new line there. */
  press(/** @type {Page.Point} */ at) {
    if (!this.#ends) return false;
    const far = this.#ends.map((end) => { const seen = this.view.onCanvas(end); return Math.hypot(seen.x - at.x, seen.y - at.y); });
    const nearest = far[0] < far[1] ? 0 : 1;
    if (far[nearest] < NEAR * (devicePixelRatio || 1)) this.#held = nearest;
    else {
      const point = this.#inside(this.view.onFilm(at));
      this.#ends = [point, { ...point }];
      this.#held = 1;
    }
    this.#placing = true;
    this.#changed();
    return true;
  }

  drag(/** @type {Page.Point} */ at) {
    if (!this.#ends || !this.#placing) return false;
    this.#ends[this.#held] = this.#inside(this.view.onFilm(at));
    this.#changed();
    return true;
  }

  drop() { this.#placing = false; }

  /** Handle a key: arrows move the selected end, Enter selects the other one. Return false if the key has no function here. */
  key(/** @type {KeyboardEvent} */ event) {
    if (!this.#ends) return false;
    const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });
    const move = moves[event.key];
    if (event.key === "Enter") this.#held = 1 - this.#held;
    else if (!move) return false;
    else {
      const by = ((event.shiftKey ? STEP / 4 : STEP) * (devicePixelRatio || 1)) / this.view.scale;
      const end = this.#ends[this.#held];
      this.#ends[this.#held] = this.#inside({ x: end.x + by * move[0], y: end.y + by * move[1] });
    }
    this.#changed();
    return true;
  }

  #inside(/** @type {Page.Point} */ { x, y }) {
    const film = this.view.film ?? { width: 0, height: 0 };
    return { x: Math.min(film.width, Math.max(0, x)), y: Math.min(film.height, Math.max(0, y)) };
  }

  #changed() {
    const { film } = this.view;
    if (!this.#ends || !film) {
      this.view.line = null;
      return this.onChange("");
    }
    const [a, b] = this.#ends;
    const words = lengthInWords(Math.hypot(a.x - b.x, a.y - b.y), film);
    this.view.line = { from: a, to: b, words, held: this.#held };
    this.onChange(words);
  }
}
