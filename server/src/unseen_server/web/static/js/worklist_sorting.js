// @ts-check
// Sorting by the head of a column: one press one way, another the other way, a third back to the list's own order.
import { $ } from "./api.js";

/** @typedef {import("./worklist_view.js").View} View */

/** Return the orders that clicks on a head go through. */
function turns(/** @type {string} */ head, /** @type {View} */ view) {
  if (head === "score") return ["-score", "score", ""];
  if (head === "source") return ["source", "-source", ""];
  if (head === "place") return ["", "-list"];
  return view.tab === "cleared" || view.tab === "reported" ? ["", "-list"] : ["-received", "received", ""]; // these lists are sorted by time
}

export class Sorting {
  /** @param {{ view: View, goTo: (changes: Partial<View>) => unknown }} page */
  constructor(page) {
    this.page = page;
    for (const button of this.#heads()) {
      button.addEventListener("click", () => {
        const orders = turns(button.dataset.sort ?? "", page.view);
        page.goTo({ sort: orders[(orders.indexOf(page.view.sort) + 1) % orders.length] });
      });
    }
  }

  #heads() { return /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("#grid thead [data-sort]")); }

  /** Show the order in each head. */
  show() {
    const { sort } = this.page.view;
    for (const button of this.#heads()) {
      const head = button.dataset.sort ?? "";
      const is = sort !== "" && turns(head, this.page.view).includes(sort) && (head !== "place" || sort === "-list");
      const down = sort.startsWith("-");
      const th = /** @type {HTMLElement} */ (button.closest("th"));
      if (is) th.setAttribute("aria-sort", down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    $("#grid").toggleAttribute("data-sorted", sort !== "");
  }
}
