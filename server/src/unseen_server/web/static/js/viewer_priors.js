// @ts-check
// Earlier and later studies of the same patient: a list in the panel, and one of them beside the film.
import { $, api, el } from "./api.js";
import { calendar, date } from "./dates.js";
import { numberOf } from "./numbers.js";
import { untilAnswered } from "./repeated.js";
import { failed } from "./toasts.js";
import { away, beside, isBeside } from "./viewer_second_film.js";

/** @typedef {Page.Returned<"GET /studies/{study}/priors">["priors"][number]} Prior */

export class Priors {
  /** @type {Prior[]} */
  #known = [];
  /** @type {string | null} */
  #study = null;
  /** Promise that settles when the study's priors are known. */
  #asked = Promise.resolve();
  /** Function that settles the promise that `next` created. */
  #begin = (/** @type {Promise<void>} */ _fetched) => {};

  /** @param {import("./film_canvas.js").FilmCanvas} view  @param {() => string | null | undefined} position  the view position of the film that is read */
  constructor(view, position) {
    this.view = view;
    this.position = position;
  }

  /** Clear the priors of the last study, whose patient is another one; `of` fetches new ones after the film is shown. */
  next(/** @type {string} */ study) {
    this.#study = study;
    this.#draw([]);
    this.#asked = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  /** Fetch and list the priors of a study. */
  of(/** @type {string} */ study) {
    const fetched = this.#fetch(study);
    this.#begin(fetched);
    return (this.#asked = fetched);
  }

  async #fetch(/** @type {string} */ study) {
    this.#study = study;
    this.#draw([]);
    const before = this.#known;
    const found = await untilAnswered(() => api(`/studies/${study}/priors`), () => this.#study === study && this.#known === before, (sentence) => this.#missing(sentence));
    if (found) this.#draw([...found.priors].sort(latestFirst), found.total);
  }

  /** Show that it is not known whether the patient has other studies. */
  #missing(/** @type {string} */ sentence) {
    $("#priors").hidden = false;
    $("#priors").replaceChildren(el("p", { class: "problem", role: "status" }, `Other studies of this patient could not be fetched. ${sentence}`));
  }

  /** Fetch and list those that follow the known ones. */
  async #more(/** @type {string} */ study) {
    const before = this.#known;
    const { priors, total } = await api(`/studies/${study}/priors?skip=${before.length}`);
    if (this.#study !== study || this.#known !== before) return undefined;
    const added = priors.filter((prior) => !before.some((known) => known.study === prior.study)); // a study may have come since
    this.#draw([...before, ...added].sort(latestFirst), added.length === 0 ? before.length : total);
    return added[0];
  }

  #earlier(/** @type {string} */ study) {
    this.#more(study)
      .then((first) => $("#priors").querySelectorAll("button")[this.#known.findIndex((prior) => prior === first)]?.focus())
      .catch(failed);
  }

  /** Show the latest prior next to the film, or the prior after the current one; after the last one, none. */
  async toggle() {
    const study = this.#study;
    await this.#asked.catch(() => {}); // the key may come before the list; the caller of `of` reports a failure
    if (this.#study !== study) return undefined;
    const at = this.#known.findIndex((prior) => isBeside(prior.study));
    const next = this.#known.slice(at + 1).find((prior) => prior.film !== null);
    if (!next) return away();
    await this.show(next);
    return true;
  }

  /** Show a prior: its film with the same view position, else its first frontal one. */
  show(/** @type {Prior} */ prior) {
    const same = prior.films.find((film) => film.view_position === this.position());
    const film = same?.film ?? prior.film;
    if (film === null) return undefined;
    return beside(this.view, { film, study: prior.study, words: wordsOf(prior), window: true });
  }

  #draw(/** @type {Prior[]} */ priors, total = priors.length) {
    const study = this.#study;
    this.#known = priors;
    $("#priors").hidden = priors.length === 0;
    $("#priors").replaceChildren(
      el("h3", {}, total === 1 ? "Another study of this patient" : `${numberOf(total, "other study")} of this patient`),
      el("ul", { class: "priors" }, priors.map((prior) =>
        el("li", {},
          el("button", { type: "button", disabled: prior.film === null, title: wordsOf(prior), onclick: () => this.show(prior) }, nameOf(prior)),
          el("a", { href: `/studies/${prior.study}`, class: "small" }, "open")))),
      ...(study !== null && priors.length < total
        ? [el("p", { class: "small soft" }, `The ${priors.length} that were received last are listed.`), el("button", { type: "button", class: "quiet", id: "more-priors", onclick: () => this.#earlier(study) }, "Show earlier ones")]
        : []),
    );
  }
}

/** Order of two priors: by study date, the latest first; those without a date last, in their order. */
const latestFirst = (/** @type {Prior} */ one, /** @type {Prior} */ other) => other.study_date.localeCompare(one.study_date);

const wordsOf = (/** @type {Prior} */ { received, outcome }) => `Received ${date(received)}${outcome ? ` · reported ${outcome}` : ""}`;

const nameOf = (/** @type {Prior} */ prior) => (prior.study_date ? `${calendar(prior.study_date)}${prior.outcome ? ` · reported ${prior.outcome}` : ""}` : wordsOf(prior));
