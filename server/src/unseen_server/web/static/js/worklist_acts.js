// @ts-check
// Actions on one study of the list: report, undo the report, release, score again.
import { api } from "./api.js";
import { numberOf } from "./numbers.js";
import { reportedAs } from "./reported.js";
import { forgetNote, noteOf } from "./viewer_drafts.js";
import { announced, failed, toast } from "./toasts.js";

/** Actions on a study. Each shows its result in a toast and reports the change to `list`. */
export class Acts {
  /** @type {{ study: string, away: () => void }[]} */
  #done = []; // reports from this page, the latest last
  /** @type {Set<string>} */
  #busy = new Set();

  /** @param {{ me: string, busy: (study: string, is: boolean) => void, changed: () => void } & Record<"reported" | "back", (study: string) => void>} list */
  constructor(list) {
    this.list = list;
  }

  /**
   * Claim and report a study in one step, with the note that the reader has written in the viewer. Somebody else's claim prevents
   * this, and the server's message names the person.
   */
  report(/** @type {string} */ study, /** @type {"normal" | "abnormal" | "unsure"} */ outcome) {
    return this.#doing(study, async () => {
      await api(`/studies/${study}/claim`, { method: "POST" });
      const note = await noteOf(this.list.me, study);
      await api(`/studies/${study}/report`, { body: { outcome, note } });
      forgetNote(this.list.me, study);
      this.#done.at(-1)?.away(); // Z can still undo the report
      const away = toast(reportedAs(outcome, note !== ""), { action: "Undo", run: () => this.undo(study) });
      this.#done.push({ study, away });
      this.list.reported(study);
    });
  }

  /** Undo a report; without a study, the latest one from this page. */
  undo(study = this.#done.at(-1)?.study) {
    if (study === undefined) {
      toast("Nothing was reported on this page that could be taken back. Earlier reports are in the list “Reported”.");
      return Promise.resolve();
    }
    return this.#doing(study, async () => {
      await api(`/studies/${study}/undo`, { method: "POST" });
      for (const done of this.#done.filter((one) => one.study === study)) done.away();
      this.#done = this.#done.filter((one) => one.study !== study);
      toast("The report is taken back, and the study is yours again.");
      this.list.back(study);
    });
  }

  release(/** @type {string} */ study) {
    return this.#doing(study, async () => {
      await api(`/studies/${study}/release`, { method: "POST" });
      toast("Released: any reader may take it.");
      this.list.changed();
    });
  }

  requeue(/** @type {string} */ study) {
    return this.#doing(study, async () => {
      const { films } = await api(`/studies/${study}/requeue`, { method: "POST" });
      toast(films === 1 ? "Its film is scored again." : `${numberOf(films, "film")} of it are scored again.`);
      this.list.changed();
    });
  }

  async #doing(/** @type {string} */ study, /** @type {() => Promise<void>} */ act) {
    if (this.#busy.has(study)) return;
    this.#busy.add(study);
    this.list.busy(study, true);
    try {
      await announced(act());
    } catch (error) {
      failed(error);
      this.list.changed();
    } finally {
      this.#busy.delete(study);
      this.list.busy(study, false);
    }
  }
}
