// @ts-check
// Films at full depth, fetched before they are wanted; the latest are kept.
import { api } from "./api.js";
import { between, level } from "./grey.js";
import { restoredBeside } from "./lossless_beside.js";

const MOST_BYTES = 320 * 2 ** 20;

/** A film of the API as a `FilmCanvas` shows it. @returns {Promise<Page.FilmOfApi>} */
export async function loadFilm(/** @type {string} */ film, /** @type {number} */ frame = 0) {
  const answer = await api(`/films/${film}/pixels?frame=${frame}&coding=residuals`, { as: "response" });
  const [about, residuals] = await Promise.all([api(`/films/${film}/about`), answer.arrayBuffer()]); // the server has decoded it by now
  const said = (/** @type {string} */ name) => Number(answer.headers.get(`X-Film-${name}`));
  const spacing = answer.headers.get("X-Film-Spacing-Mm");
  /** @type {Page.FilmOfApi} */
  const found = {
    name: film,
    samples: await restoredBeside(residuals, said("Width"), said("Height")),
    width: said("Width"),
    height: said("Height"),
    bits: said("Bits"),
    low: said("Low"),
    high: said("High"),
    spacingMm: spacing === null ? null : Number(spacing),
    ticket: answer.headers.get("X-Film-Ticket") ?? "",
    about,
    frame,
  };
  found.windows = windowsOf(found);
  found.first = found.windows[about.first];
  return found;
}

/** The windows that a film is offered with: its own, its VOI LUTs, then ranges of its samples. `about.first` counts the first two. @param {Page.FilmOfApi} film @returns {Page.Window[]} */
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

/**
 * What was asked for lately, by name: a second request is the first one's answer.
 * @template {{ width: number, samples?: Uint16Array }} V
 */
export class Kept {
  /** @type {Map<string, Promise<V>>} */
  #made = new Map();
  /** @type {Map<string, number>} */
  #bytes = new Map();
  #make;

  constructor(/** @type {(name: string) => Promise<V>} */ make) { this.#make = make; }

  /** The value, soon; asked for once, and again after it has failed. */
  get(/** @type {string} */ name) {
    let found = this.#made.get(name);
    if (found) this.#made.delete(name); // it is the latest again
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
    this.#bytes.set(name, 2 ** 16 + 1.4 * (value.samples?.byteLength ?? 0)); // with its halves
    let total = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const [oldest] of this.#made) {
      if (total <= MOST_BYTES || oldest === name) return;
      total -= this.#bytes.get(oldest) ?? 0;
      this.forget(oldest);
    }
  }
}

/** A frame of a film, by the name that `films` takes. */
export const frameOf = (/** @type {string} */ film, /** @type {number} */ frame) => (frame ? `${film}#${frame}` : film);

/** Films, with the halves that a screen will need, made while nobody waits. */
export const films = new Kept(async (name) => {
  const [id, frame = "0"] = name.split("#");
  const film = await loadFilm(id, Number(frame));
  const whenIdle = window.requestIdleCallback ?? ((/** @type {() => void} */ run) => setTimeout(run, 50));
  whenIdle(() => { for (let k = 1; k <= 2; k++) level(film, k); });
  return film;
});
