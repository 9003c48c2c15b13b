// @ts-check
// Actions on several chosen studies, for leads: assign, score again, record as returned.
// Never reported.
import { $, api, closest, el, openQuestion, sentenceIn } from "./api.js";
import { numberOf } from "./numbers.js";
import { failed, toast } from "./toasts.js";

const MOST = 200; // upper limit per request of the server
const MOST_RETURNED = 50;

/** @typedef {Page.Returned<"POST /studies/assign">} OnSeveral */

export class Chosen {
  /** @type {Set<string>} */
  #studies = new Set();
  /** @type {string | null} */
  #anchor = null;

  /** @param {{ me: string, isLead: boolean, order: () => string[], element: (study: string) => HTMLElement | null, changed: () => void }} page */
  constructor(page) {
    this.page = page;
    if (!page.isLead) return;
    const shifted = (/** @type {Event} */ event) => event instanceof MouseEvent && event.shiftKey;
    $("#rows").addEventListener("click", (event) => {
      const study = closest(event, "tr[data-study]")?.dataset.study;
      if (study === undefined || closest(event, "a")) return;
      if (shifted(event)) this.extend(study);
      else if (closest(event, "input")) this.toggle(study);
    });
    $("#rows").addEventListener("mousedown", (event) => { if (shifted(event)) event.preventDefault(); }); // prevents text selection
    $("#choose-all").addEventListener("click", () => { this.#put(page.order(), $("#choose-all").checked); });
    $("#chosen-clear").addEventListener("click", () => this.clear());
    $("#chosen-assign").addEventListener("click", () => this.#assign());
    $("#chosen-requeue").addEventListener("click", () => this.#act("requeued", (studies) => api("/studies/requeue", { body: { studies } })));
    $("#chosen-return").addEventListener("click", () => { $("#return-reason").value = ""; openQuestion($("#return")); });
    $("#return").addEventListener("close", () => { if ($("#return").returnValue === "return") this.#return($("#return-reason").value.trim()); });
  }

  get count() { return this.#studies.size; }

  /** Set the accounts to which studies can be assigned. */
  offer(/** @type {string[]} */ readers) {
    if (!this.page.isLead) return;
    const was = $("#assign-to").value;
    const names = [this.page.me, ...readers.filter((name) => name !== this.page.me)];
    $("#assign-to").replaceChildren(...names.map((name) => el("option", { value: name }, name === this.page.me ? `${name} (you)` : name)), el("option", { value: "" }, "nobody"));
    if (names.includes(was)) $("#assign-to").value = was;
  }

  /** Choose a study, or remove it from the choice. */
  toggle(/** @type {string | null} */ study) {
    if (study === null || !this.page.isLead) return;
    this.#anchor = study;
    this.#put([study], !this.#studies.has(study));
  }

  /** Choose all rows from the first chosen one to this one. */
  extend(/** @type {string | null} */ study) {
    if (study === null || !this.page.isLead) return;
    const order = this.page.order();
    const [from, to] = [order.indexOf(this.#anchor ?? study), order.indexOf(study)];
    if (from < 0) this.#anchor = study;
    this.#put(from < 0 ? [study] : order.slice(Math.min(from, to), Math.max(from, to) + 1), true);
  }

  clear() { this.#studies.clear(); this.#anchor = null; this.show(); }

  /** Mark the chosen rows, and show their number. */
  show() {
    if (!this.page.isLead) return;
    const order = this.page.order();
    for (const study of order) {
      const row = this.page.element(study);
      const is = this.#studies.has(study);
      row?.classList.toggle("chosen", is);
      const box = /** @type {HTMLInputElement | null | undefined} */ (row?.querySelector("input[type=checkbox]"));
      if (box) box.checked = is;
    }
    const here = order.filter((study) => this.#studies.has(study)).length;
    $("#choose-all").checked = here > 0 && here === order.length;
    $("#choose-all").indeterminate = here > 0 && here < order.length;
    $("#several").hidden = this.count === 0;
    const elsewhere = this.count - here;
    $("#chosen-count").textContent = `${this.count} chosen${elsewhere ? `, ${elsewhere} of them not on this page` : ""}`;
  }

  #put(/** @type {string[]} */ studies, /** @type {boolean} */ is) {
    for (const study of studies) {
      if (!is) this.#studies.delete(study);
      else if (this.count < MOST) this.#studies.add(study);
      else { toast(`No more than ${MOST} studies can be chosen at once.`); break; }
    }
    this.show();
  }

  #assign() {
    const to = $("#assign-to").value || null;
    return this.#act(to === null ? "assigned to nobody" : `assigned to ${to}`, (studies) => api("/studies/assign", { body: { studies, to } }));
  }

  #return(/** @type {string} */ reason) {
    if (!reason) return undefined;
    return this.#act("recorded as returned (nothing was sent: tell the sender yourself)", async (studies) => {
      /** @type {OnSeveral} */
      const all = { done: [], refused: [] };
      for (let at = 0; at < studies.length; at += MOST_RETURNED) {
        const part = studies.slice(at, at + MOST_RETURNED);
        try {
          const { done, refused } = await api("/studies/return", { body: { studies: part, reason } });
          all.done.push(...done);
          all.refused.push(...refused);
        } catch (error) { // the parts before are done
          if (at === 0) throw error;
          all.refused.push(...studies.slice(at).map((study) => ({ study, reason: sentenceIn(error) })));
          break;
        }
      }
      return all;
    });
  }

  async #act(/** @type {string} */ words, /** @type {(studies: string[]) => Promise<OnSeveral>} */ act) {
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("#several button"));
    for (const button of buttons) button.disabled = true;
    try {
      const { done, refused } = await act([...this.#studies]);
      for (const study of done) this.#studies.delete(study);
      const left = refused.length ? ` ${numberOf(refused.length, "study")} left as ${refused.length === 1 ? "it is" : "they are"}: ${[...new Set(refused.map((one) => one.reason))].slice(0, 2).join(" ")}` : "";
      toast(`${numberOf(done.length, "study")} ${words}.${left}`, refused.length ? { kind: done.length ? "" : "bad", lasts: 20000 } : {});
    } catch (error) {
      failed(error);
    } finally {
      for (const button of buttons) button.disabled = false;
      this.show();
      this.page.changed();
    }
  }
}
