// @ts-check
// The lists as tabs: chosen by mouse or by arrow keys. The keys [ and ] are in `worklist.js`.
import { $, closest } from "./api.js";
import { TABS } from "./worklist_view.js";

/** @typedef {import("./worklist_view.js").View} View */

export class Tabs {
  /** @param {{ view: View, goTo: (changes: Partial<View>) => unknown }} page */
  constructor(page) {
    this.page = page;
    $("[role=tablist]").addEventListener("keydown", (event) => {
      const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
      if (by === 0) return;
      event.preventDefault();
      this.cycle(by);
      $(`#tab-${page.view.tab}`).focus();
    });
    $("[role=tablist]").addEventListener("click", (event) => {
      const tab = TABS.find((one) => one === closest(event, "[role=tab]")?.dataset.tab);
      if (tab) page.goTo({ tab });
    });
  }

  cycle(/** @type {number} */ by) {
    return this.page.goTo({ tab: TABS[(TABS.indexOf(this.page.view.tab) + by + TABS.length) % TABS.length] });
  }

  /** Mark the current tab. */
  show() {
    const { tab: shown } = this.page.view;
    for (const tab of TABS) {
      $(`#tab-${tab}`).setAttribute("aria-selected", String(tab === shown));
      $(`#tab-${tab}`).tabIndex = tab === shown ? 0 : -1;
    }
    $("#list").setAttribute("aria-labelledby", `tab-${shown}`);
  }
}
