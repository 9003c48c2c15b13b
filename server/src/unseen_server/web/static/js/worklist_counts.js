// @ts-check
// Number of studies in each of the lists, under the filter that is on.
import { $, api } from "./api.js";
import { TABS, countOf } from "./worklist_view.js";

/** @typedef {import("./worklist_view.js").Tab} Tab */
/** @typedef {Partial<Record<Tab, { total: number, more: boolean }>>} Known */

const APART_MS = 4000; // shortest time between two requests for the other lists

/** @typedef {{ total: number, more: boolean, groups: { studies: number, more: boolean }[] }} Counted */

export class Counts {
  #counted = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #due;

  /** @param {import("./worklist_view.js").View} view  @param {() => void} onOthers  the others are known */
  constructor(view, onOthers) {
    this.view = view;
    this.onOthers = onOthers;
    /** @type {Known} */
    this.known = {};
  }

  /** Store the count from a page of a list. */
  know(/** @type {Tab} */ tab, /** @type {Counted} */ { total, more, groups }) {
    this.known[tab] = { total: total + groups.reduce((sum, group) => sum + group.studies, 0), more: more || groups.some((group) => group.more) };
    this.#say();
  }

  forget() { for (const tab of TABS) delete this.known[tab]; }

  /** Request the counts of the other lists, soon or immediately. */
  others({ now = false } = {}) {
    clearTimeout(this.#due);
    this.#due = setTimeout(() => this.#ask(), now ? 0 : Math.max(0, this.#counted + APART_MS - Date.now()));
  }

  async #ask() {
    this.#counted = Date.now();
    const asked = this.#filters;
    for (const tab of TABS.filter((one) => one !== this.view.tab)) {
      const response = await api("/studies/search", { body: countOf(this.view, tab) }).catch(() => null);
      if (this.#filters !== asked) return; // the filters have changed meanwhile
      if (response && tab !== this.view.tab) this.know(tab, response);
    }
    this.#say();
    this.onOthers();
  }

  get #filters() { return JSON.stringify(countOf(this.view, "to_read")); }

  #say() {
    for (const tab of TABS) {
      const count = this.known[tab];
      const said = count === undefined ? "" : `${whole(count.total)}${count.more ? "+" : ""}`;
      const element = $(`#tab-${tab} .count`);
      if (element.textContent !== said) element.textContent = said;
    }
  }
}

/** Return a count with thousands separators. */
export const whole = (/** @type {number} */ count) => count.toLocaleString("en");
