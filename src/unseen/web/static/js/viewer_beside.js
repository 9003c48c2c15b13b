// @ts-check
// A film that a reader reported normal, beside the one that is read; both move together.
import { $, el, failed } from "./api.js";
import { FilmCanvas } from "./canvas.js";
import { films } from "./films.js";

/** @typedef {Page.Returned<"GET /films/{film}/look">["nearest"][number]} Near */

/** @type {{ frame: HTMLElement, other: FilmCanvas } | null} */
let shown = null;

/** Show `near` beside `view`'s film; another one takes its place. */
export async function beside(/** @type {FilmCanvas} */ view, /** @type {Near} */ near) {
  away();
  const canvas = el("canvas", { class: "film" });
  const frame = el(
    "div", { class: "frame beside" }, canvas,
    el("div", { class: "caption" },
      el("span", {}, `Reported normal · distance ${near.distance.toFixed(2)}`),
      el("a", { href: `/studies/${near.study}`, target: "_blank", rel: "noopener" }, "its study"),
      el("button", { type: "button", class: "quiet", "aria-label": "Close the film beside", onclick: away }, "×")),
  );
  $("#shown").append(frame);
  $("#shown").classList.add("two");
  const other = new FilmCanvas(canvas, { label: "Film reported normal" });
  other.follows = { window: false, view: true }; // each film keeps its own window: their exposures differ
  shown = { frame, other };
  try {
    const film = await films.get(near.film);
    if (shown?.other !== other) return;
    other.show(film);
    view.link(other);
  } catch (error) {
    away();
    failed(error);
  }
}

/** Close it; true where one was open. */
export function away() {
  if (!shown) return false;
  shown.other.close();
  shown.frame.remove();
  shown = null;
  $("#shown").classList.remove("two");
  return true;
}
