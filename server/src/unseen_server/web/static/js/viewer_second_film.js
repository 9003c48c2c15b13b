// @ts-check
// Second film next to the one that is read (a prior, or one reported normal), with the captions and dates of both.
// Both films move together.
import { $, el } from "./api.js";
import { FilmCanvas } from "./film_canvas.js";
import { calendar } from "./dates.js";
import { films } from "./films.js";
import { failed } from "./toasts.js";

/**
 * window: true if both films share one window, as for two films of one patient; films of other patients have other exposures.
 * @typedef {{ film: string, study: string, words: string, window?: boolean }} Other
 */

/** @type {{ frame: HTMLElement, own: HTMLElement, other: FilmCanvas, study: string } | null} */
let shown = null;

/** Report true if a film of this study is the second film. */
export const isBeside = (/** @type {string} */ study) => shown?.study === study;

/** Show a film next to that of `view`. It replaces an earlier second film. */
export async function beside(/** @type {FilmCanvas} */ view, /** @type {Other} */ { film: name, study, words, window: linked = false }) {
  away();
  const canvas = el("canvas", { class: "film" });
  const caption = el("span", {}, words);
  const frame = el(
    "div", { class: "frame beside" }, canvas,
    el("div", { class: "caption" },
      caption,
      el("a", { href: `/studies/${study}`, target: "_blank", rel: "noopener" }, "its study"),
      el("button", { type: "button", class: "quiet", "aria-label": "Close the second film", onclick: away }, "×")),
  );
  const mine = view.given?.about?.person;
  const own = el("p", { class: "caption own" }, mine?.named && mine.study_date ? `This study · ${calendar(mine.study_date)}` : "This study");
  $("#frame").append(own);
  $("#shown").append(frame);
  $("#shown").classList.add("two");
  const other = new FilmCanvas(canvas, { label: words });
  other.follows = { window: linked, view: true };
  shown = { frame, own, other, study };
  try {
    const film = await films.get(name);
    if (shown?.other !== other) return;
    const { named, study_date: day } = film.about.person;
    if (named && day) caption.textContent = `${linked && mine?.study_date ? when(day, mine.study_date) : ""}${calendar(day)} · ${words}`;
    other.show(film);
    view.link(other);
  } catch (error) {
    away();
    failed(error);
  }
}

/** Return whether the other study of a patient was made before or after this one. */
const when = (/** @type {string} */ other, /** @type {string} */ own) => (other === own ? "Same day · " : other < own ? "Earlier study · " : "Later study · ");

/** Close the second film. @returns true if one was open */
export function away() {
  if (!shown) return false;
  shown.other.close();
  shown.frame.remove();
  shown.own.remove();
  shown = null;
  $("#shown").classList.remove("two");
  return true;
}
