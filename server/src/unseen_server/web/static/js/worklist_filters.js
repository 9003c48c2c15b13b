// @ts-check
// Filter bar of the list: its fields, and the chosen filters.
import { $, el } from "./api.js";
import { STATES, everything, filtersOn } from "./worklist_view.js";

/** @typedef {import("./worklist_view.js").View} View  @typedef {Page.Returned<"GET /studies/choices">} Choices */

/** @type {Record<string, string>} */
const STATE_NAMES = {
  received: "on its way", scored: "being scored", to_read: "to read", not_scored: "not scored", in_reading: "in reading", reported: "reported here",
  reported_elsewhere: "reported elsewhere", set_aside: "set aside",
};

/** @typedef {"state" | "position" | "flag" | "received" | "assigned" | "disagree" | "sort"} Field */
const FIELDS = /** @type {const} */ ({ state: "#by-state", position: "#by-view", flag: "#by-flag", received: "#by-received", assigned: "#by-reader", disagree: "#by-disagreement", sort: "#by-sort" });

export class Filters {
  /** @param {{ view: View, me: string, goTo: (changes: Partial<View>) => unknown }} page */
  constructor(page) {
    this.page = page;
    $("#filters-open").addEventListener("click", () => this.toggle());
    $("#filters").addEventListener("submit", (event) => event.preventDefault());
    $("#filters").addEventListener("change", (event) => this.#chosen(/** @type {HTMLInputElement} */ (event.target)));
    $("#filters-clear").addEventListener("click", () => { $("#text").value = ""; page.goTo(everything()); });
    $("#source").addEventListener("change", () => page.goTo({ source: chooser("source").value }));
    if (filtersOn({ ...page.view, source: "", refusal: "" }) > 0) this.open(true);
  }

  toggle() { this.open($("#filters-open").getAttribute("aria-expanded") !== "true"); }

  open(/** @type {boolean} */ open) {
    $("#filters").hidden = !open;
    $("#filters-open").setAttribute("aria-expanded", String(open));
  }

  /** Fill the selects with the sources, views and readers of the server. */
  offer(/** @type {Choices} */ { sources, views, readers }) {
    const { view, me } = this.page;
    for (const [selector, values, chosen] of /** @type {const} */ ([
      ["source", sources, view.source], ["by-view", views, view.position], ["by-reader", readers.filter((name) => name !== me), view.assigned],
    ])) add(chooser(selector), [...values, chosen]);
    this.show();
  }

  /** Add the sources and views of new films. */
  seen(/** @type {Page.Returned<"POST /studies/search">["rows"]} */ rows) {
    add(chooser("source"), rows.map((row) => row.source));
    add(chooser("by-view"), rows.flatMap((row) => row.view ?? []));
  }

  /** Update the controls from the view. */
  show() {
    const { view } = this.page;
    add(chooser("source"), [view.source]);
    const state = chooser("by-state");
    const states = STATES[view.tab];
    state.replaceChildren(el("option", { value: "" }, "any"), ...states.map((name) => el("option", { value: name }, STATE_NAMES[name])));
    state.disabled = states.length === 0;
    chooser("source").value = view.source;
    for (const [field, selector] of /** @type {[Field, string][]} */ (Object.entries(FIELDS))) this.#set(field, selector);
    const between = view.received.includes("..");
    for (const [index, selector] of ["#by-from", "#by-to"].entries()) {
      const day = /** @type {HTMLInputElement} */ ($(selector));
      if (between && !day.matches(":focus")) day.value = view.received.split("..")[index];
    }
    $("#by-days").hidden = !(between || $("#by-received").value === "between");
    const on = filtersOn({ ...view, source: "", refusal: "", text: "" });
    $("#filters-on").textContent = on ? String(on) : "";
    $("#filters-clear").disabled = filtersOn(view) === 0 && view.sort === "";
  }

  #set(/** @type {Field} */ field, /** @type {string} */ selector) {
    const control = /** @type {HTMLInputElement | HTMLSelectElement | null} */ (document.querySelector(selector));
    if (control === null) return; // this reader has no such control
    const value = this.page.view[field];
    if (control instanceof HTMLInputElement) control.checked = value === "yes";
    else if (field === "received" && value.includes("..")) control.value = "between";
    else if (!(field === "received" && value === "" && control.value === "between")) {
      add(control, [value]);
      control.value = value;
    }
  }

  #chosen(/** @type {HTMLInputElement} */ control) {
    if (control.id === "by-from" || control.id === "by-to" || control.value === "between") return this.#between();
    const field = /** @type {Field | undefined} */ (Object.entries(FIELDS).find(([, selector]) => selector === `#${control.id}`)?.[0]);
    if (field) this.page.goTo({ [field]: control.type === "checkbox" ? (control.checked ? "yes" : "") : control.value });
  }

  /** Apply a range of dates as soon as both dates are entered. */
  #between() {
    $("#by-days").hidden = false;
    const [from, to] = [$("#by-from").value, $("#by-to").value];
    if (from && to) this.page.goTo({ received: from <= to ? `${from}..${to}` : `${to}..${from}` });
  }
}

const chooser = (/** @type {string} */ id) => /** @type {HTMLSelectElement} */ (document.getElementById(id));

/** Add options that a select does not have yet. */
function add(/** @type {HTMLSelectElement} */ chooser, /** @type {string[]} */ values) {
  const known = new Set([...chooser.options].map((option) => option.value));
  chooser.append(...[...new Set(values)].filter((value) => !known.has(value)).map((value) => el("option", { value }, value)));
}
