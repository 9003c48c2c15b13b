// @ts-check
// Address of the viewer: study, film, frame, window, zoom, orientation, model and overlay as a URL.
// No patient data.
import { session } from "./browser_storage.js";
import { now } from "./viewer_state.js";
import { SHOWN, listOf } from "./worklist_view.js";

const WAIT_MS = 400; // delay after the last change: browsers refuse an address that changes 100 times in 30 s
const DIGITS = 6; // enough for one screen pixel of a film that is drawn 100,000 pixels wide

/** @typedef {import("./film_canvas.js").FilmCanvas} FilmCanvas  @typedef {import("./viewer_layers.js").Layers} Layers */

/** List that the reader works through, with its filters and its order. */
export const list = listOf(location.search);
/** Return the address of a page with the filters and the order of the same list. */
export const inList = (/** @type {string} */ path) => (list.address.size ? `${path}?${list.address}` : path);
/** Return the address of the page of the list that the study was opened from; if that is another list, of the list's first page. */
export function wayBack() {
  const page = session.get(SHOWN);
  const same = page !== null && String(listOf(page.slice(page.indexOf("?") + 1)).address) === String(list.address);
  return same ? page : inList("/");
}
export const addressOf = (/** @type {string} */ study) => inList(`/studies/${study}`);

const short = (/** @type {number} */ value) => String(Number(value.toFixed(DIGITS)));

/** Return the settings in an address. */
export function asked(search = location.search) {
  const given = new URLSearchParams(search);
  const number = (/** @type {string} */ name) => { const text = given.get(name); return text === null || !Number.isFinite(Number(text)) ? null : Number(text); };
  return {
    film: given.get("film"), frame: Math.max(0, Math.trunc(number("frame") ?? 0)), preset: given.get("preset"), centre: number("c"), width: number("w"), inverted: given.has("inverted"),
    x: number("x"), y: number("y"), zoom: number("zoom"), turns: number("turns"), flipped: given.has("flipped"),
    model: given.get("model"), over: given.get("over"), lungs: given.has("lungs"), box: given.has("box"), opacity: number("opacity"),
  };
}

/** Show the film with the settings of an address. */
export function restore(/** @type {FilmCanvas} */ view, /** @type {ReturnType<typeof asked>} */ wanted) {
  if (!view.film) return;
  if (wanted.turns !== null || wanted.flipped) view.setOrientation({ turns: ((Math.trunc(wanted.turns ?? 0) % 4) + 4) % 4, flipped: wanted.flipped });
  const named = view.film.windows?.find((one) => one.name === wanted.preset);
  if (named) view.setWindow(named);
  else if (wanted.centre !== null && wanted.width !== null) view.setWindow({ centre: wanted.centre, width: wanted.width });
  if (wanted.inverted) view.setInverted(true);
  if (wanted.zoom !== null) view.setView({ x: wanted.x ?? 0.5, y: wanted.y ?? 0.5, zoom: wanted.zoom });
}

/** Update the address whenever the view or the overlays change. @param {FilmCanvas} view @param {Layers} layers */
export function follow(view, layers) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let due;
  const soon = () => {
    clearTimeout(due);
    due = setTimeout(() => {
      const study = now.response?.entry.study;
      if (study && view.film && location.pathname.endsWith(`/${study}`)) history.replaceState(history.state, "", written(study, view, layers));
    }, WAIT_MS);
  };
  for (const change of ["window", "view", "orientation"]) view.addEventListener(change, soon);
  layers.onChange = soon;
  return soon;
}

function written(/** @type {string} */ study, /** @type {FilmCanvas} */ view, /** @type {Layers} */ layers) {
  const said = new URLSearchParams(list.address);
  const films = now.response?.films ?? [];
  if (films.length > 1) said.set("film", films[now.shown].film);
  if (now.frame > 0) said.set("frame", String(now.frame));
  const { window, first, middle, zoom, orientation } = view;
  if (window.name !== first.name || window.centre !== first.centre || window.width !== first.width) {
    if (window.name) said.set("preset", window.name);
    else for (const [name, value] of /** @type {const} */ ([["c", window.centre], ["w", window.width]])) said.set(name, short(value));
  }
  if (view.inverted) said.set("inverted", "1");
  if (zoom !== 1 || middle.x !== 0.5 || middle.y !== 0.5) for (const [name, value] of /** @type {const} */ ([["x", middle.x], ["y", middle.y], ["zoom", zoom]])) said.set(name, short(value));
  if (orientation.turns) said.set("turns", String(orientation.turns));
  if (orientation.flipped) said.set("flipped", "1");
  for (const [name, value] of Object.entries(layers.chosen)) if (value) said.set(name, value);
  return said.size ? `/studies/${study}?${said}` : `/studies/${study}`;
}
