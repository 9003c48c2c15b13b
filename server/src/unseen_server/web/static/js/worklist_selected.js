// @ts-check
// The selected study: what can be done with it, and on wide screens a look at its film.
import { $, el } from "./api.js";
import { date } from "./dates.js";
import { numberOf } from "./numbers.js";
import { onShelf } from "./worklist_rows.js";

const WAIT_MS = 250; // delay, so that passing over rows fetches nothing
const SIDE = 640; // size in pixels
const wide = matchMedia("(min-width: 1500px)");

/** @typedef {import("./worklist_rows.js").Entry["acts"][number]} Act */

export class Selected {
  /** @type {string | null | undefined} */
  #film = undefined;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;

  /** @param {{ me: string, isLead: boolean, blind: boolean }} page */
  constructor(page) {
    this.page = page;
    $("#preview").addEventListener("error", () => { $("#preview").hidden = true; });
    wide.addEventListener("change", () => { const film = this.#film; this.#film = undefined; this.#look(film ?? null); });
  }

  /** Show `entry` with the `words` of its row and a link to `href`; null: nothing is selected. */
  show(/** @type {import("./worklist_rows.js").Entry | null} */ entry, /** @type {string} */ words, /** @type {string} */ href) {
    $("#selected").hidden = entry === null;
    if (entry === null) return;
    const { me, isLead } = this.page;
    const may = (/** @type {Act} */ act) => entry.acts.includes(act);
    const mine = entry.claimed_by === me;
    const free = entry.claimed_by === null;
    $("#open").setAttribute("href", href);
    say("#selected-words", words);
    say("#selected-study", entry.study);
    const films = numberOf(entry.films, "film");
    say("#selected-facts", `${entry.source} · ${films} · received ${date(entry.received)}`);
    $("#selected-why").hidden = entry.reason === "";
    say("#selected-clause", entry.clause);
    say("#selected-reason", entry.why);
    for (const outcome of ["normal", "abnormal", "unsure"]) {
      const button = /** @type {HTMLButtonElement} */ ($(`[data-act=${outcome}]`));
      button.hidden = onShelf(entry) && entry.state !== "cleared";
      button.disabled = !may("claim") || !(mine || free);
      button.title = !may("claim") ? "It is still to be scored" : !(mine || free) ? `${entry.claimed_by} has it` : entry.seen ? "" : "Its films were not shown to you yet: this opens it";
    }
    $("[data-act=undo]").hidden = !may("undo") || !(isLead || entry.reported_by === me);
    const release = $("[data-act=release]");
    release.hidden = !may("release") || free || !(mine || isLead);
    say("[data-act=release]", mine ? "Release" : `Take it from ${entry.claimed_by}`);
    $("[data-act=requeue]").hidden = !isLead || !entry.reason;
    this.#look(entry.film);
  }

  #look(/** @type {string | null} */ film) {
    if (film === this.#film) return;
    this.#film = film;
    clearTimeout(this.#waiting);
    const none = film === null || !wide.matches;
    say("#preview-words", film === null ? "No worker could read a film of it." : "");
    this.#picture(none ? null : `/api/v1/films/${film}/thumbnail.png`); // until the preview is loaded
    if (none) return;
    this.#waiting = setTimeout(async () => {
      const source = `/api/v1/films/${film}/preview.png?size=${SIDE}`;
      try {
        await el("img", { src: source }).decode();
      } catch {
        if (this.#film === film) say("#preview-words", "There is no preview of this film.");
        return;
      }
      if (this.#film !== film) return;
      this.#picture(source);
      say("#preview-words", "A preview, not for reading");
    }, WAIT_MS);
  }

  #picture(/** @type {string | null} */ source) {
    const picture = $("#preview");
    picture.hidden = source === null;
    if (source === null) picture.removeAttribute("src");
    else picture.setAttribute("src", source);
  }
}

function say(/** @type {string} */ selector, /** @type {string} */ text) {
  if ($(selector).textContent !== text) $(selector).textContent = text;
}
