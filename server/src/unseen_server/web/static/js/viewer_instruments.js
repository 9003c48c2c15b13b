// @ts-check
// Instruments over the film: its windows by name, turning and flipping with a mark, ruler, magnifier, grey value, frames.
import { $, el } from "./api.js";
import { Lens, sampleAt } from "./canvas_lens.js";
import { Ruler } from "./canvas_ruler.js";
import { ownValue } from "./grey_units.js";

/** Wire the instruments to the film. */
export function instruments(/** @type {import("./film_canvas.js").FilmCanvas} */ view) {
  view.ruler = new Ruler(view, (words) => {
    $("#measured").textContent = words && `Ruler: ${words}`;
    $("#ruler").setAttribute("aria-pressed", String(words !== ""));
  });
  view.lens = new Lens(view);
  view.addEventListener("lens", () => $("#lens").setAttribute("aria-pressed", String(view.lens?.on)));
  $("#ruler").addEventListener("click", () => view.ruler?.toggle());
  $("#lens").addEventListener("click", () => view.lens?.toggle());
  $("#turn").addEventListener("click", () => view.setOrientation({ ...view.orientation, turns: (view.orientation.turns + 1) % 4 }));
  $("#flip").addEventListener("click", () => view.setOrientation({ ...view.orientation, flipped: !view.orientation.flipped }));
  view.addEventListener("orientation", (event) => {
    $("#mark").textContent = /** @type {CustomEvent} */ (event).detail.words;
    $("#flip").setAttribute("aria-pressed", String(view.orientation.flipped));
    $("#value").textContent = "";
  });
  view.addEventListener("hover", (event) => {
    const { at } = /** @type {CustomEvent<{ at: Page.Point | null }>} */ (event).detail;
    $("#value").textContent = at && view.film ? valueInWords(view.film, view.onFilm(at)) : "";
  });
  presets(view);
}

/** Return the grey value at a point of the film, in the file's units, with its position. */
function valueInWords(/** @type {Page.Film} */ film, /** @type {Page.Point} */ point) {
  const found = sampleAt(film, point);
  if (!found) return "";
  return `${Number(ownValue(film, found.sample).toFixed(1))} at ${found.column}, ${found.row}`;
}

/** Wire the list of the film's windows. */
function presets(/** @type {import("./film_canvas.js").FilmCanvas} */ view) {
  const chooser = $("#presets");
  /** @type {Page.Window[]} */
  let offered = [];
  view.addEventListener("window", () => {
    const windows = view.film?.windows ?? [];
    if (windows !== offered) {
      offered = windows;
      chooser.replaceChildren(el("option", { value: "", hidden: true }, "Chosen freely"), ...windows.map(({ name }) => el("option", { value: name }, name)));
    }
    const { name } = view.window;
    chooser.value = offered.some((one) => one.name === name) ? name ?? "" : "";
    chooser.disabled = offered.length === 0;
  });
  chooser.addEventListener("change", () => {
    const chosen = offered.find((one) => one.name === chooser.value);
    if (chosen) view.setWindow(chosen);
  });
}

/** Show the buttons that step through a file's frames; none for a single frame. */
export function showFrames(/** @type {number} */ frames, /** @type {number} */ shown, /** @type {(frame: number) => void} */ onChoose) {
  const step = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ words) =>
    el("button", { type: "button", class: "quiet", "aria-label": words, disabled: shown + by < 0 || shown + by >= frames, onclick: () => onChoose(shown + by) }, sign);
  $("#frames").replaceChildren(...(frames < 2 ? [] : [step(-1, "‹", "The frame before"), el("span", {}, `Frame ${shown + 1} of ${frames}`), step(1, "›", "The next frame")]));
}
