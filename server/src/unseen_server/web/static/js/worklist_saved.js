// @ts-check
// Views of the list under a name: one's own, and those that a lead shares. What was searched for is never part of one.
import { $, api, el, openQuestion } from "./api.js";
import { shownBy, wantedOf } from "./worklist_view.js";
import { failed, toast } from "./toasts.js";

/** @typedef {import("./worklist_view.js").View} View  @typedef {Page.Returned<"GET /views">["views"][number]} Saved */

export class SavedViews {
  /** @type {Saved[]} */
  #views = [];

  /** @param {{ view: View, me: string, isLead: boolean, goTo: (changes: Partial<View>) => unknown }} page */
  constructor(page) {
    this.page = page;
    $("#views").addEventListener("change", () => {
      const view = this.#views.find((one) => String(one.number) === $("#views").value);
      if (view) { $("#text").value = ""; page.goTo(shownBy(view.wanted)); }
    });
    $("#keep-open").addEventListener("click", () => { $("#keep-name").value = this.#shown?.owner === page.me ? this.#shown.name : ""; openQuestion($("#keep")); });
    $("#keep").addEventListener("close", () => { if ($("#keep").returnValue === "keep") this.#keep($("#keep-name").value.trim()); });
    $("#view-remove").addEventListener("click", () => this.#remove());
    api("/views").then(({ views }) => this.#know(views)).catch(failed);
  }

  /** Saved view that the list shows now. */
  get #shown() {
    const now = said(wantedOf(this.page.view));
    return this.page.view.text ? undefined : this.#views.find((one) => said(one.wanted) === now);
  }

  /** Show the name of the current saved view, if any. */
  show() {
    const shown = this.#shown;
    $("#views").value = shown ? String(shown.number) : "";
    $("#view-remove").hidden = !shown || !(shown.owner === this.page.me || (shown.shared && this.page.isLead));
  }

  #know(/** @type {Saved[]} */ views) {
    this.#views = views;
    const named = (/** @type {Saved} */ one) => (one.owner === this.page.me ? `${one.name}${one.shared ? " (shared)" : ""}` : `${one.name} (${one.owner})`);
    $("#views").replaceChildren(el("option", { value: "" }, views.length ? "choose…" : "none yet"), ...views.map((one) => el("option", { value: one.number }, named(one))));
    this.show();
  }

  async #keep(/** @type {string} */ name) {
    if (!name) return;
    const shared = this.page.isLead && $("#keep-shared").checked;
    try {
      this.#know((await api("/views", { method: "PUT", body: { name, shared, wanted: wantedOf(this.page.view) } })).views);
      toast(`The view “${name}” is kept${shared ? " for everybody" : ""}.${this.page.view.text ? " What was searched for is not part of it." : ""}`);
    } catch (error) {
      failed(error);
    }
  }

  async #remove() {
    const view = this.#shown;
    if (!view) return;
    try {
      this.#know((await api(`/views/${view.number}`, { method: "DELETE" })).views);
      toast(`The view “${view.name}” is removed.`);
    } catch (error) {
      failed(error);
    }
  }
}

/** Return a view's content in a canonical form. */
const said = (/** @type {import("./worklist_view.js").Wanted} */ wanted) => JSON.stringify(Object.entries({ ...wanted, tab: wanted.tab ?? "to_read", order: wanted.order ?? "list" }).filter(([name, value]) => value !== null && value !== undefined && (value !== false || name === "flag")).sort());
