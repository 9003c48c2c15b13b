// @ts-check
// Acts of a reader on a study: report it, skip it, take a report back, set aside what cannot be shown; then the next
// study opens by itself.
import { $, api, sentenceIn, statusOf } from "./api.js";
import { unseen } from "./viewer_seen.js";
import { now, study as current } from "./viewer_state.js";
import { reportedAs } from "./reported.js";
import { say } from "./viewer_tools.js";
import { announced, failed, toast } from "./toasts.js";

/** @typedef {import("./viewer_keys.js").Outcome} Outcome  @typedef {import("./viewer_claims.js").Claims} Claims */

const LONGEST_MS = 86_400_000; // upper limit of the reading time that is reported, one day

const { account: me } = document.body.dataset;

/** Return why a study that nobody can claim takes no report. */
const whyNotYours = (/** @type {import("./viewer_claims.js").Entry} */ { state, outcome, reported_by: by }) =>
  state !== "reported" ? "This study is not yours yet. Try again in a moment, or see its state at the top right."
  : by === me ? `You have reported this study already: ${outcome}. Z takes the report back, S opens the next study.` : `${by} has reported this study already.`;

export class Reporting {
  /**
   * @param {Claims} claims
   * @param {import("./viewer_drafts.js").Drafts} drafts
   * @param {import("./viewer_queue.js").Queue} queue
   * @param {{ open: (study: string, how?: { began?: number, until?: string, follows?: boolean }) => Promise<void>,
   *   show: (place: number, how?: { frame?: number }) => Promise<void>, frames: () => number[], again: () => Promise<void>, finished: () => void, draw: () => void }} page
   */
  constructor(claims, drafts, queue, page) {
    this.claims = claims;
    this.drafts = drafts;
    this.queue = queue;
    this.page = page;
  }

  /** Report the study and open the next one; if a required film was not displayed yet, show it instead. */
  async report(/** @type {Outcome} */ outcome, /** @type {number} */ began) {
    const study = now.response?.entry.study;
    if (!study || now.onScreen !== study) return;
    const { claim } = now;
    if (!claim?.mine) {
      toast(claim?.sentence ?? whyNotYours(current().entry), { kind: "bad" });
      return;
    }
    const left = unseen(current());
    if (left.length > 0) {
      if (now.problem && left.includes(now.shown)) toast("This film cannot be shown. Record it as returned, or discard it, with a reason.", { kind: "bad" });
      else if (!left.includes(now.shown)) await this.page.show(left[0]).catch(failed);
      else if (this.page.frames().length > 0) await this.page.show(now.shown, { frame: this.page.frames()[0] }).catch(failed);
      return;
    }
    const dwell_ms = now.since === null ? null : Math.min(LONGEST_MS, Math.ceil(performance.now() - now.since));
    await this.once(() => this.#andNext(study, () => api(`/studies/${study}/report`, { body: { outcome, note: $("#note").value, dwell_ms } }), began, reportedAs(outcome)));
  }

  /** Record a study that cannot be displayed as returned or discarded. */
  async setAside(/** @type {"returned" | "discarded"} */ how, /** @type {string} */ reason, /** @type {number} */ began) {
    const study = now.response?.entry.study;
    if (!study || !now.claim?.mine) return;
    if (!reason.trim()) {
      toast("Give the reason first: what is wrong with the film.", { kind: "bad" });
      $("#aside-reason").focus();
      return;
    }
    await this.once(async () => {
      const entry = await announced(api(`/studies/${study}/set-aside`, { body: { how, reason } }));
      $("#aside-reason").value = "";
      this.drafts.keepReason(study, "");
      const words = how === "returned" ? "Recorded as returned. Nothing was sent: tell the sender yourself." : "Discarded.";
      if (entry.state === "set_aside") return this.#andNext(study, () => Promise.resolve(), began, words);
      await this.page.again();
      say(`${words} Report the study's other films.`, { action: "Undo (Z)", run: () => this.undo() });
    });
  }

  /** Perform the action, confirm it in words, and open the next study, which is claimed in parallel. */
  async #andNext(/** @type {string} */ study, /** @type {() => Promise<unknown>} */ act, /** @type {number} */ began, /** @type {string} */ words) {
    const following = this.queue.next[0]?.study;
    const asked = following === undefined ? null : { study: following, answer: this.claims.take(following) };
    try {
      await announced(act());
    } catch (error) {
      if (asked && (await asked.answer).until) await this.claims.leave(asked.study);
      throw error;
    }
    this.claims.done(study);
    this.drafts.done(study);
    now.reported.push(study);
    this.queue.pass(study);
    try {
      await this.next({ began, asked });
    } catch (error) {
      if (now.response?.entry.study === study) now.claim = null; // it is reported, and cannot be reported again
      this.page.again().catch(() => {}); // repeated with the next news
      throw new Error(`The next study could not be opened: ${statusOf(error) === 0 ? "the server cannot be reached." : sentenceIn(error)} Press S to try again.`);
    } finally {
      say(words, { action: "Undo (Z)", run: () => this.undo() });
    }
  }

  /** Open the next study that nobody else has; `asked`: the study that was already requested. */
  async next(/** @type {{ began: number, asked?: { study: string, answer: ReturnType<Claims["take"]> } | null }} */ { began, asked = null }) {
    const tried = new Set();
    for (;;) {
      if (!asked && this.queue.next.every((row) => tried.has(row.study))) await this.queue.refresh(current().entry.study);
      const study = asked?.study ?? this.queue.next.find((row) => !tried.has(row.study))?.study;
      if (!study) return this.page.finished();
      const { until, error } = await (asked?.answer ?? this.claims.take(study));
      if (until !== undefined) return this.page.open(study, { began, until, follows: true });
      if (error.status !== 409) throw error;
      tried.add(study);
      asked = null;
    }
  }

  skip() {
    return this.once(async () => {
      this.queue.skip(current().entry.study);
      await this.next({ began: performance.now() });
    });
  }

  undo() {
    return this.once(async () => {
      const { entry } = current();
      const own = entry.acts.includes("undo") ? entry.study : null;
      const study = own ?? now.reported.at(-1);
      if (!study) return say("There is no report of yours to take back here.");
      await announced(api(`/studies/${study}/undo`, { method: "POST" }));
      now.reported = now.reported.filter((one) => one !== study);
      this.queue.offerAgain(study);
      say("The report was taken back; the study is yours again.");
      if (study !== now.response?.entry.study || current().films.length === 0) return this.page.open(study);
      await this.page.again();
      if (!$("#note").value) $("#note").value = this.drafts.of(current()); // the note of the report
    });
  }

  /** Run one change at a time, so that a key pressed twice reports only one study. */
  async once(/** @type {() => Promise<unknown>} */ change) {
    if (now.busy) return;
    now.busy = true;
    this.page.draw();
    try {
      await change();
    } catch (error) {
      failed(error);
    } finally {
      now.busy = false;
      this.page.draw();
    }
  }
}
