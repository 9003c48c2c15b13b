// @ts-check
// Films at full bit depth: fetch and decode them, and cache the most recently used ones.
import { api } from "./api.js";
import { between, level } from "./grey.js";
import { restoredBeside } from "./lossless_beside.js";

const MOST_BYTES = 320 * 2 ** 20;

/** Fetch a film from the API, in the form that `FilmCanvas` shows. @returns {Promise<Page.FilmOfApi>} */
export async function loadFilm(/** @type {string} */ film, /** @type {number} */ frame = 0) {
  const answer = await api(`/films/${film}/pixels?frame=${frame}&coding=residuals`, { as: "response" });
  const [about, residuals] = await Promise.all([api(`/films/${film}/about`), answer.arrayBuffer()]); // the server has already decoded the film
  const header = (/** @type {string} */ name) => Number(answer.headers.get(`X-Film-${name}`));
  const spacing = answer.headers.get("X-Film-Spacing-Mm");
  /** @type {Page.FilmOfApi} */
  const found = {
    name: film,
    samples: await restoredBeside(residuals, header("Width"), header("Height")),
    width: header("Width"),
    height: header("Height"),
    bits: header("Bits"),
    low: header("Low"),
    high: header("High"),
    spacingMm: spacing === null ? null : Number(spacing),
    ticket: answer.headers.get("X-Film-Ticket") ?? "",
    about,
    frame,
  };
  found.windows = windowsOf(found);
  found.first = found.windows[about.first];
  return found;
}

/** Return the windows of a film: its own, VOI LUTs, then ranges of its samples. `about.first` is an index into the first two groups. @param {Page.FilmOfApi} film @returns {Page.Window[]} */
function windowsOf({ about, low, high, bits }) {
  const luts = about.luts.map(({ name, first, bits: deep, values }) => {
    const bytes = Uint8Array.from(atob(values), (letter) => letter.charCodeAt(0));
    const lut = { first, bits: deep, values: new Uint16Array(bytes.buffer) };
    return { name, centre: first + lut.values.length / 2, width: lut.values.length, lut };
  });
  const at = (/** @type {number} */ share) => low + share * (high - low);
  const whole = { name: "Whole range", ...between(0, 2 ** bits - 1) };
  return [
    ...about.windows, ...luts,
    { name: "Own range", ...between(low, high) },
    { name: "Lungs: darker part", ...between(low, at(0.65)) },
    { name: "Mediastinum: brighter part", ...between(at(0.35), high) },
    ...(about.windows.some(({ name }) => name === whole.name) ? [] : [whole]),
  ];
}

/** Memory of a film with its half-size levels. */
const bytesOfFilm = (/** @type {{ samples: Uint16Array }} */ { samples }) => 2 ** 16 + 1.4 * samples.byteLength;

/**
 * Cache of values by name, the most recently used ones up to a size. A second request for a name returns the promise of the first one.
 * @template V
 */
export class Kept {
  /** @type {Map<string, Promise<V>>} */
  #made = new Map();
  /** @type {Map<string, number>} */
  #bytes = new Map();
  #make;

  #bytesOf;
  #most;

  /** @param {(name: string) => Promise<V>} make  @param {{ bytesOf: (value: V) => number, most: number }} size  memory of a value, and of all, in bytes */
  constructor(make, { bytesOf, most }) {
    this.#make = make;
    this.#bytesOf = bytesOf;
    this.#most = most;
  }

  /** Return the promise of a value. It is requested once, and again after a failure. */
  get(/** @type {string} */ name) {
    let found = this.#made.get(name);
    if (found) this.#made.delete(name); // it becomes the most recent entry
    else {
      found = this.#make(name);
      found.then((value) => this.#count(name, value), () => this.#made.delete(name));
    }
    this.#made.set(name, found);
    return found;
  }

  forget(/** @type {string} */ name) {
    this.#made.delete(name);
    this.#bytes.delete(name);
  }

  #count(/** @type {string} */ name, /** @type {V} */ value) {
    this.#bytes.set(name, this.#bytesOf(value));
    let total = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const [oldest] of this.#made) {
      if (total <= this.#most || oldest === name) return;
      total -= this.#bytes.get(oldest) ?? 0;
      this.forget(oldest);
    }
  }
}

/** Return the name of a frame of a film, the key in `films`. */
export const frameOf = (/** @type {string} */ film, /** @type {number} */ frame) => (frame ? `${film}#${frame}` : film);

/** Cache of films. The half-size levels that a screen needs are computed while the browser is idle. */
export const films = new Kept(async (name) => {
  const [id, frame = "0"] = name.split("#");
  const film = await loadFilm(id, Number(frame));
  const whenIdle = window.requestIdleCallback ?? ((/** @type {() => void} */ run) => setTimeout(run, 50));
  whenIdle(() => { for (let k = 1; k <= 2; k++) level(film, k); });
  return film;
}, { bytesOf: bytesOfFilm, most: MOST_BYTES });
