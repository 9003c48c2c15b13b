// @ts-check
// The tools above the film: which film of the study, window, inversion, zoom; and the message about what was done.
import { $, closest, el } from "./api.js";
import { inOwn, overSamples } from "./grey_units.js";
import { versionsOf } from "./viewer_versions.js";
import { toast } from "./toasts.js";

/** @type {() => void} */
let unsay = () => {};

/** Show one message at a time; an undo button always belongs to the latest action. */
export function say(/** @type {string} */ words, /** @type {Page.ToastOptions} */ options = {}) {
  unsay();
  unsay = toast(words, options);
}

/** Wait until the page has been painted; resolve to false if it was not, because a hidden page is not painted. @type {() => Promise<boolean>} */
export const painted = () => new Promise((done) => {
  requestAnimationFrame(() => setTimeout(() => done(!document.hidden)));
  setTimeout(() => done(false), 1000);
});

/** Wire the tools to the film. */
export function tools(/** @type {import("./film_canvas.js").FilmCanvas} */ view) {
  const centre = $("#centre");
  const width = $("#width");
  const set = () => {
    const wanted = { centre: centre.valueAsNumber, width: width.valueAsNumber };
    if (Number.isFinite(wanted.centre) && Number.isFinite(wanted.width)) view.setWindow(overSamples(view.film, wanted));
  };
  for (const field of [centre, width]) field.addEventListener("change", set);
  $("#window").addEventListener("submit", (event) => {
    event.preventDefault();
    set();
    view.canvas.focus({ preventScroll: true });
  });
  $("#decide").addEventListener("submit", (event) => event.preventDefault());
  $("#viewer").addEventListener("click", (event) => { // keys act on the film again
    if (event.detail > 0 && closest(event, "button, input[type=range]")) view.canvas.focus({ preventScroll: true });
  });
  $("#first").addEventListener("click", () => view.reset());
  $("#invert").addEventListener("click", () => view.setInverted(!view.inverted));
  $("#fit").addEventListener("click", () => view.fit());
  $("#actual").addEventListener("click", () => view.actual());
  view.addEventListener("window", () => {
    const now = inOwn(view.film, view.window);
    if (document.activeElement !== centre) centre.value = String(Math.round(now.centre * 10) / 10);
    if (document.activeElement !== width) width.value = String(Math.round(now.width * 10) / 10);
    $("#invert").setAttribute("aria-pressed", String(view.inverted));
  });
  view.addEventListener("view", () => { $("#zoom").value = view.film ? `${Math.round(view.scale * 100)} %` : ""; });
}

/** Show the buttons for the films of a study; none for a single film. */
export function showFilms(/** @type {Page.Returned<"GET /studies/{study}">["films"]} */ films, /** @type {number} */ chosen, /** @type {(place: number) => void} */ onChoose) {
  $("#films").replaceChildren(
    ...(films.length < 2 ? [] : films.map((film, i) =>
      el("button", { type: "button", class: "quiet", "aria-pressed": i === chosen ? "true" : "false", onclick: () => onChoose(i) },
        `${i + 1}${film.view_position ? ` · ${film.view_position}` : ""}${versionsOf(films, i).length ? " · version" : ""}`))),
  );
}
