// @ts-check
// Next studies of the viewer, and their films, which are fetched in advance.
import { api } from "./api.js";
import { films } from "./films.js";

const ROWS = 50;
const AHEAD = 4; // studies whose films are fetched in advance: other readers take some of them first

/** @typedef {Page.Returned<"GET /studies/{study}">} Study */

/** Return the index of the film that is shown first: the first scored one, else the first. */
export function firstOf(/** @type {Study} */ response) {
  const scored = response.films.findIndex((film) => film.findings.length > 0);
  return Math.max(0, scored);
}

export class Queue {
  #me;
  #list;
  /** @type {Set<string>} */
  #passed = new Set();
  /** @type {Set<string>} */
  #skipped = new Set();
  /** @type {Map<string, Study>} */
  #known = new Map();
  /** @type {Page.Returned<"POST /studies/search">["rows"]} */
  #rows = [];
  /** @type {string | null} */
  #current = null;
  /** @type {Promise<void> | null} */
  #asking = null;

  /** @param {string} me  who reads  @param {Partial<Page.Sent<"POST /studies/search">>} list  what narrows and sorts it */
  constructor(me, list) {
    this.#me = me;
    this.#list = list;
    this.total = 0;
    this.more = false;
  }

  /** Position of the study in the list, from 1; null if it is not among the first rows. */
  get place() {
    const at = this.#rows.findIndex((row) => row.study === this.#current);
    return at < 0 ? null : at + 1;
  }

  /** Studies that can be read next: first those after the current one, then those before it. */
  get next() {
    const at = this.#rows.findIndex((row) => row.study === this.#current);
    const inOrder = at < 0 ? this.#rows : [...this.#rows.slice(at + 1), ...this.#rows.slice(0, at)];
    return inOrder.filter(
      (row) => row.study !== this.#current && !this.#passed.has(row.study) && row.acts.includes("claim") &&
        (row.claimed_by === null || row.claimed_by === this.#me),
    );
  }

  /** Return a study that was fetched in advance, or null. */
  known(/** @type {string} */ study) { return this.#known.get(study) ?? null; }

  /** Do not offer a study again, because it was reported, skipped or claimed by somebody else. */
  pass(/** @type {string} */ study) { this.#passed.add(study); }
  skip(/** @type {string} */ study) {
    this.pass(study);
    this.#skipped.add(study);
  }
  offerAgain(/** @type {string} */ study) {
    this.#passed.delete(study);
    this.#skipped.delete(study);
  }

  /** Return the number of studies to be read that were skipped here. */
  get skipped() { return this.#rows.filter((row) => this.#skipped.has(row.study) && row.acts.includes("claim")).length; }

  /** Set the current study. */
  at(/** @type {string} */ study) { this.#current = study; }

  /** Fetch the list again, and the next studies in advance. */
  async refresh(/** @type {string | undefined} */ current = undefined) {
    this.#current = current ?? this.#current;
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    await this.#asking;
  }

  async #ask() {
    const page = await api("/studies/search", { body: { tab: "to_read", ...this.#list, limit: ROWS } });
    this.#rows = page.rows;
    this.total = page.total;
    this.more = page.more;
    const ahead = this.next.slice(0, AHEAD).map((row) => row.study);
    for (const study of this.#known.keys()) if (!ahead.includes(study)) this.#known.delete(study);
    this.#fetchAll(ahead);
  }

  async #fetchAll(/** @type {string[]} */ studies) {
    for (const study of studies) await this.#fetch(study).catch(() => {}); // a failed request is repeated when the study is opened
  }

  async #fetch(/** @type {string} */ study) {
    if (this.#known.has(study)) return;
    const response = await api(`/studies/${study}`);
    this.#known.set(study, response);
    if (response.films.length > 0) await films.get(response.films[firstOf(response)].film);
  }
}
