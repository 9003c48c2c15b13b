// @ts-check
// A model's images of a film on the page of several models, their zoom and window linked with the film's canvas.
// Each is on a `FilmCanvas` of the film's own size: a small image lies where its box is on the film.
import { el, sentenceIn, there } from "./api.js";
import { FilmCanvas } from "./film_canvas.js";
import { films } from "./films.js";
import { cividis } from "./heat_map_colours.js";
import { keptPictures } from "./overlay_images.js";
import { short } from "./compare_operating.js";

/** @typedef {Page.Returned<"GET /films/{film}/look">["models"][number]} Model */
/** @typedef {"image" | "reconstruction" | "residual" | "map"} What */

/**
 * Words, image path and content of each row: `grey` is true for grey values and false for deviations.
 * @type {Record<What, { words: string, path: (film: string, model: Model) => string, grey: boolean }>}
 */
export const ROWS = {
  image: { words: "Network input", path: (film, { model }) => `/films/${film}/rendition/image?model=${model}`, grey: true },
  reconstruction: { words: "Reconstruction", path: (film, { model }) => `/films/${film}/rendition/reconstruction?model=${model}`, grey: true },
  residual: { words: "Residual", path: (film, { model }) => `/films/${film}/rendition/residual?model=${model}`, grey: false },
  map: { words: "Anomaly map", path: (film, { model, map_high: high }) => `/films/${film}/map.png?model=${model}&high=${high}`, grey: false },
};
const BLACK = new OffscreenCanvas(1, 1);
there(BLACK.getContext("2d")).fillRect(0, 0, 1, 1);
const COLOURS = Array.from({ length: 256 }, (_, value) => cividis(value / 255));
const pictures = keptPictures();

/** One image of one model; `view` is null until the image is loaded. */
export class Pane {
  #frame = el("div", { class: "frame" });
  #caption = el("figcaption", {});
  #closed = false;
  /** @type {FilmCanvas | null} */
  view = null;

  constructor(/** @type {What} */ what, /** @type {Model} */ model) {
    this.what = what;
    this.model = model;
    this.#caption.append(el("span", {}, ROWS[what].words));
    this.node = el("figure", { dataset: { what, model: model.model } }, this.#frame, this.#caption);
  }

  /** Show the image, linked with the film's own canvas `main`. */
  async show(/** @type {string} */ name, /** @type {FilmCanvas} */ main) {
    const { words, path, grey } = ROWS[this.what];
    const kept = this.what === "map" ? this.model.map_high !== null : this.model.renditions;
    const { box, inner } = this.model;
    if (!kept || !box || !inner) return this.#say("Nothing is kept of this.");
    if (!this.model.gives_back && ["reconstruction", "residual"].includes(this.what)) return this.#say("This model gives no image back.");
    try {
      const [film, picture] = await Promise.all([films.get(name), pictures.get(path(name, this.model))]);
      if (this.#closed) return;
      const canvas = el("canvas", { class: "film" });
      this.#frame.replaceChildren(canvas);
      const view = new FilmCanvas(canvas, { label: `${words} by ${this.model.name}` });
      this.view = view;
      view.show(darkened(film));
      const place = { box, inner, smooth: true, name: words.toLowerCase() };
      const shown = new OffscreenCanvas(picture.width, picture.height);
      const paint = () => {
        paintOn(shown, picture, grey ? greyTable(film, view) : COLOURS);
        /** @type {Page.Picture} */
        const dark = { picture: BLACK, box: [0, 0, film.height, film.width], inner: [0, 0, 1, 1], name: "" };
        view.overlays = grey ? [{ ...place, picture: shown }] : [dark, { ...place, picture: shown }];
      };
      if (grey) view.addEventListener("window", paint);
      paint();
      if (!grey) this.#scale(this.what === "map" && this.model.map_high !== null ? this.model.map_high : Number(picture.headers.get("X-Picture-High")));
      main.link(view);
      view.setWindow(main.window, { linked: true });
      view.setInverted(main.inverted, { linked: true });
      view.setView({ ...main.middle, zoom: main.zoom }, { linked: true });
    } catch (error) {
      if (!this.#closed) this.#say(sentenceIn(error));
    }
  }

  close() {
    this.#closed = true;
    this.view?.close();
  }

  #say(/** @type {string} */ words) {
    this.#frame.replaceChildren(el("p", { class: "said" }, words));
  }

  #scale(/** @type {number} */ high) {
    this.#caption.append(el("span", { class: "scale" }, "0", el("i", {}), short(high)));
  }
}

/** Return a black film of the same size and depth; it is created once and stored with the film. */
function darkened(/** @type {Page.Film} */ film) {
  film.dark ??= { ...film, levels: undefined, samples: new Uint16Array(film.samples.length) };
  return film.dark;
}

/** Return the grey table of an image whose black and white are those of the film's first window (DICOM PS3.3 C.11.2.1.2, LINEAR). */
function greyTable(/** @type {Page.FilmOfApi} */ { low, high }, /** @type {FilmCanvas} */ { window: { centre, width }, inverted }) {
  return Array.from({ length: 256 }, (_, value) => {
    const sample = low + (value / 255) * (high - low);
    const at = Math.min(1, Math.max(0, (sample - (centre - 0.5)) / Math.max(1, width - 1) + 0.5));
    const grey = Math.round(255 * (inverted ? 1 - at : at));
    return [grey, grey, grey];
  });
}

function paintOn(/** @type {OffscreenCanvas} */ canvas, /** @type {Page.Grey} */ { width, height, values }, /** @type {Page.Colour[]} */ table) {
  const shown = new ImageData(width, height);
  for (let i = 0; i < values.length; i++) {
    const [red, green, blue] = table[values[i]];
    shown.data.set([red, green, blue, 255], 4 * i);
  }
  there(canvas.getContext("2d")).putImageData(shown, 0, 0);
}
