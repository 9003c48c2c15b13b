// @ts-check
// `FilmCanvas`: a film on a canvas, at its full depth. Window, zoom, pan and inversion happen here; nothing is asked of
// the server. Overlays lie on the film at their place. Several canvases can be linked. Any page may use it:
//
//   const view = new FilmCanvas(canvas, { label: "Film, PA" });
//   view.show({ samples, width, height, bits, low, high });       // a Uint16Array, white = dense
//
// Events: "window" {centre, width, inverted}; "view" {x, y, zoom}: the middle as a share of the film, and the zoom relative
// to the whole film fitting; "orientation" {words}; "hover" {at}: the pointer on the canvas, or null.
import { there } from "./api.js";
import { between, greys } from "./grey.js";
import { drawFilm, drawLine, drawOverlay } from "./canvas_drawing.js";
import { keys, pointers } from "./canvas_input.js";
import { markOf, oriented } from "./canvas_orientation.js";
import { least, most, panBy, zoomBy } from "./canvas_moves.js";
import { inWords } from "./canvas_words.js";

export class FilmCanvas extends EventTarget {
  #canvas;
  #context;
  #scratch = document.createElement("canvas");
  #film = /** @type {Page.Film | null} */ (null); // film in its orientation
  #given = /** @type {Page.Film | null} */ (null); // film as passed to `show`
  #orientation = { turns: 0, flipped: false };
  #line = /** @type {Page.Line | null} */ (null);
  #window = /** @type {Page.Window} */ ({ centre: 128, width: 256 });
  #inverted = false;
  #middle = { x: 0.5, y: 0.5 };
  #zoom = 1; // relative to the whole film fitting
  #overlays = /** @type {Page.Overlay[]} */ ([]);
  #table = /** @type {Uint32Array | null} */ (null);
  #group = /** @type {Set<FilmCanvas>} */ (new Set([this]));
  #frame = 0;
  #telling = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #watch;
  #label = "";

  /** @param {HTMLCanvasElement} canvas  @param {{label?: string}} options */
  constructor(canvas, { label = "Film" } = {}) {
    super();
    this.#canvas = canvas;
    this.#context = there(canvas.getContext("2d", { alpha: false }));
    this.label = label;
    /** Ruler of the canvas, if the page adds one. @type {import("./canvas_ruler.js").Ruler | null} */
    this.ruler = null;
    /** Magnifier of the canvas, if the page adds one. @type {import("./canvas_lens.js").Lens | null} */
    this.lens = null;
    /** Changes that this canvas takes over from linked canvases. */
    this.follows = { window: true, view: true };
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-roledescription", "film, with keys for window and zoom");
    this.#watch = new ResizeObserver(() => this.#resized());
    this.#watch.observe(canvas);
    pointers(this, canvas);
    canvas.addEventListener("keydown", (event) => {
      if (!event.defaultPrevented && this.key(event)) event.preventDefault();
    });
    this.#resized();
  }

  get canvas() { return this.#canvas; }
  /** Name of the film, with which its description begins. */
  get label() { return this.#label; }
  set label(/** @type {string} */ label) {
    this.#label = label;
    this.#describeLater();
  }
  get film() { return this.#film; }
  /** Upright film, as passed to `show`. */
  get given() { return this.#given; }
  get window() { return { ...this.#window }; }
  get inverted() { return this.#inverted; }
  get zoom() { return this.#zoom; }
  get middle() { return { ...this.#middle }; }

  /** Scale at which the whole film fits, in screen pixels per sample. */
  get fitting() {
    if (!this.#film) return 1;
    return Math.min(this.#canvas.width / this.#film.width, this.#canvas.height / this.#film.height);
  }

  /** Current scale, in screen pixels per sample. */
  get scale() { return this.fitting * this.#zoom; }

  /** Position of the film's top left corner on the canvas, in whole screen pixels. */
  get origin() {
    const film = this.#film ?? { width: 0, height: 0 };
    return {
      x: Math.round(this.#canvas.width / 2 - this.#middle.x * film.width * this.scale),
      y: Math.round(this.#canvas.height / 2 - this.#middle.y * film.height * this.scale),
    };
  }

  /** Show a film, or an empty canvas (null); `keep` keeps window, inversion and view. The film is drawn before this returns. */
  show(/** @type {Page.Film | null} */ film, { keep = false } = {}) {
    this.#film = this.#given = film;
    this.#table = null;
    if (!keep) Object.assign(this, { line: null }).#orient({ turns: 0, flipped: false });
    if (film && !keep) {
      this.#window = this.first;
      this.#inverted = false;
      this.#middle = { x: 0.5, y: 0.5 };
      this.#zoom = 1;
      this.#overlays = [];
    }
    this.draw();
    this.#tell("window");
    this.#tell("view");
  }

  /** First window of the film. */
  get first() {
    const film = this.#film;
    return /** @type {Page.Window} */ (film ? film.first ?? between(film.low ?? 0, film.high ?? 2 ** film.bits - 1) : { centre: 128, width: 256 });
  }

  setWindow(/** @type {Page.Window} */ { centre, width, ...how }, { linked = false } = {}) {
    const steps = this.#film ? 2 ** this.#film.bits : 256;
    this.#window = {
      centre: Math.min(2 * steps, Math.max(-steps, centre)),
      width: Math.min(4 * steps, Math.max(1, width)),
      ...how,
    };
    this.#table = null;
    this.#changed("window", linked);
  }

  setInverted(/** @type {boolean} */ inverted, { linked = false } = {}) {
    this.#inverted = inverted;
    this.#table = null;
    this.#changed("window", linked);
  }

  setView(/** @type {Page.View} */ { x, y, zoom }, { linked = false } = {}) {
    this.#zoom = Math.min(most(this), Math.max(least(this), zoom));
    this.#middle = { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) };
    this.#changed("view", linked);
  }

  get orientation() { return { ...this.#orientation }; }

  /** Turn the film by quarters and flip it; overlays are drawn only on the upright film. */
  setOrientation(/** @type {import("./canvas_orientation.js").Orientation} */ orientation) {
    if (!this.#given) return;
    this.#film = oriented(this.#given, orientation);
    this.#middle = { x: 0.5, y: 0.5 };
    this.#orient(orientation);
    this.#changed("view", true);
  }

  #orient(/** @type {import("./canvas_orientation.js").Orientation} */ orientation) {
    this.#orientation = { ...orientation };
    this.dispatchEvent(new CustomEvent("orientation", { detail: { words: markOf(orientation) } }));
  }

  /** Line on the film with its label; null for none. */
  set line(/** @type {Page.Line | null} */ line) {
    this.#line = line;
    this.#later();
  }
  get line() { return this.#line; }

  /** Reset window, inversion, orientation and view, and hide the ruler. */
  reset() {
    this.ruler?.away();
    this.setOrientation({ turns: 0, flipped: false });
    this.setInverted(false);
    this.setWindow(this.first);
    this.fit();
  }

  fit() { this.setView({ x: 0.5, y: 0.5, zoom: 1 }); }
  /** Show the film at one screen pixel per sample. */
  actual() { this.setView({ ...this.#middle, zoom: 1 / this.fitting }); }

  /** Zoom about a point of the canvas in screen pixels, by default its middle. */
  zoomBy(/** @type {number} */ factor, at = { x: this.#canvas.width / 2, y: this.#canvas.height / 2 }) { zoomBy(this, factor, at); }

  /** Move the film by screen pixels. */
  panBy(/** @type {number} */ dx, /** @type {number} */ dy) { panBy(this, dx, dy); }

  /** Return the position of a film's point on the canvas. */
  onCanvas(/** @type {Page.Point} */ { x, y }) {
    const { x: left, y: top } = this.origin;
    return { x: left + x * this.scale, y: top + y * this.scale };
  }

  /** Return the position of a canvas's point on the film, in samples. */
  onFilm(/** @type {Page.Point} */ { x, y }) {
    const { x: left, y: top } = this.origin;
    return { x: (x - left) / this.scale, y: (y - top) / this.scale };
  }

  /** Images over the film, {picture, box, inner, opacity, smooth?}, or outlines, {outline: box, colour}. */
  set overlays(/** @type {Page.Overlay[]} */ overlays) {
    this.#overlays = overlays;
    this.#later();
    this.#describeLater();
  }
  get overlays() { return this.#overlays; }

  /** Link two canvases: they change window and view together, as far as each canvas's `follows` allows. */
  link(/** @type {FilmCanvas} */ other) {
    const together = new Set([...this.#group, ...other.#group]);
    for (const one of together) one.#group = together;
  }

  key(/** @type {KeyboardEvent} */ event) { return keys(this, event); } // returns false if the key has no function

  /** Disconnect the canvas; call this before removing it from the page. */
  close() {
    this.#group.delete(this);
    this.#watch.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  #changed(/** @type {"window" | "view"} */ what, /** @type {boolean} */ linked) {
    this.#later();
    this.#tell(what);
    if (linked || !this.follows[what] || !this.#film) return;
    for (const other of this.#group) if (other !== this && other.follows[what] && other.#film) this.#takeAlong(other, what, this.#film.bits);
  }

  #takeAlong(/** @type {FilmCanvas} */ other, /** @type {"window" | "view"} */ what, /** @type {number} */ bits) {
    if (what === "view") return other.setView({ ...this.#middle, zoom: this.#zoom }, { linked: true });
    const share = 2 ** ((other.#film?.bits ?? bits) - bits);
    const { centre, width, function: how } = this.#window;
    other.#inverted = this.#inverted;
    other.setWindow({ centre: centre * share, width: width * share, ...(how ? { function: how } : {}) }, { linked: true });
  }

  #tell(/** @type {"window" | "view"} */ what) {
    const detail = what === "view" ? { ...this.#middle, zoom: this.#zoom } : { ...this.#window, inverted: this.#inverted };
    this.dispatchEvent(new CustomEvent(what, { detail }));
    this.#describeLater();
  }

  #describeLater() {
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#canvas.setAttribute("aria-label", this.description), 200);
  }

  /** Description of the canvas in words. */
  get description() { return inWords(this); }

  #resized() {
    const density = devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.#canvas.clientWidth * density));
    const height = Math.max(1, Math.round(this.#canvas.clientHeight * density));
    if (width === this.#canvas.width && height === this.#canvas.height) return;
    this.#canvas.width = width; // resizing clears the canvas
    this.#canvas.height = height;
    this.draw();
    this.#tell("view");
  }

  #later() { this.#frame ||= requestAnimationFrame(() => this.draw()); }

  /** Draw in the next animation frame. */
  later() { this.#later(); }

  /** Draw immediately. */
  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const context = this.#context;
    context.globalAlpha = 1;
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (!this.#film) return;
    this.#table ??= greys(this.#film.bits, this.#window, this.#inverted);
    drawFilm(context, this.#scratch, this.#film, this.#table, this);
    if (this.#film === this.#given) for (const overlay of this.#overlays) drawOverlay(context, overlay, this);
    context.globalAlpha = 1;
    if (this.#line) drawLine(context, this.#line, this);
    this.lens?.draw(context, this.#scratch, this.#table);
  }
}
