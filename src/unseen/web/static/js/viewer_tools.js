// The tools above the film: which film of the study, window, inversion, zoom.
import { $, el } from "./api.js";

/** Wire the tools to the film. */
export function tools(view) {
  const centre = $("#centre");
  const width = $("#width");
  const set = () => {
    const wanted = { centre: centre.valueAsNumber, width: width.valueAsNumber };
    if (Number.isFinite(wanted.centre) && Number.isFinite(wanted.width)) view.setWindow(wanted);
  };
  for (const field of [centre, width]) field.addEventListener("change", set);
  $("#window").addEventListener("submit", (event) => {
    event.preventDefault();
    set();
    view.canvas.focus({ preventScroll: true });
  });
  $("#first").addEventListener("click", () => view.setWindow(view.first));
  $("#invert").addEventListener("click", () => view.setInverted(!view.inverted));
  $("#fit").addEventListener("click", () => view.fit());
  $("#actual").addEventListener("click", () => view.actual());
  view.addEventListener("window", ({ detail }) => {
    if (document.activeElement !== centre) centre.value = String(Math.round(detail.centre * 10) / 10);
    if (document.activeElement !== width) width.value = String(Math.round(detail.width * 10) / 10);
    $("#invert").setAttribute("aria-pressed", String(detail.inverted));
  });
  view.addEventListener("view", () => { $("#zoom").value = view.film ? `${Math.round(view.scale * 100)} %` : ""; });
}

/** Buttons for the films of a study; none where it has one. */
export function showFilms(films, chosen, onChoose) {
  $("#films").replaceChildren(
    ...(films.length < 2 ? [] : films.map((film, i) =>
      el("button", { type: "button", class: "quiet", "aria-pressed": i === chosen ? "true" : "false", onclick: () => onChoose(i) },
        `${i + 1}${film.view_position ? ` · ${film.view_position}` : ""}`))),
  );
}
