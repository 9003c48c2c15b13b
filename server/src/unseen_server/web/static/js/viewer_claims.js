// @ts-check
// Claims of the viewer: a study is claimed when it is opened and released when it is left without a report.
import { ApiError, api } from "./api.js";
import { clock } from "./dates.js";

const LASTS_MS = 30 * 60_000;

/** @typedef {Page.Returned<"GET /studies/{study}">["entry"]} Entry */
/** @typedef {{ mine: true, until: string | number } | { mine: false, sentence: string, open?: boolean }} Claim */

export class Claims {
  #me;
  #page = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`; // the server tells the reader's open pages apart by it
  /** Studies that this page shows, or opens next. @type {Set<string>} */
  #wanted = new Set();
  /** Studies that are claimed. @type {Set<string>} */
  #held = new Set();

  constructor(/** @type {string} */ me) { this.#me = me; }

  /**
   * Claim a study; return {until}, or {error} if somebody else has it or its state does not allow a claim.
   * @returns {Promise<{ until: string, error?: undefined } | { until?: undefined, error: ApiError }>}
   */
  async take(/** @type {string} */ study) {
    this.#wanted.add(study);
    try {
      const { until } = await api(`/studies/${study}/claim?page=${this.#page}`, { method: "POST" });
      this.#held.add(study);
      if (this.#wanted.has(study)) return { until };
      await this.leave(study); // the reader has left it before the answer came
      return { error: new ApiError(409, "You have left this study.") };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { error };
    }
  }

  /** Release a study if the reader has claimed it; the server keeps it claimed while another page of the reader shows it. */
  async leave(/** @type {string} */ study) {
    this.#wanted.delete(study);
    if (!this.#held.delete(study)) return;
    await api(`/studies/${study}/release?page=${this.#page}`, { method: "POST" }).catch(() => {}); // somebody else may have claimed it by now
  }

  /** Release all claimed studies when the user leaves the page. */
  leaveAll() {
    for (const study of this.#held) {
      fetch(`/api/v1/studies/${study}/release?page=${this.#page}`, { method: "POST", headers: { "X-Requested-With": "unseen" }, keepalive: true });
    }
    this.#held.clear();
    this.#wanted.clear();
  }

  /** Forget the claim of a reported study, which needs no release. */
  done(/** @type {string} */ study) {
    this.#held.delete(study);
    this.#wanted.delete(study);
  }

  /** Return the claim that the study's entry shows; null if nobody can claim it. @returns {Claim | null} */
  heard(/** @type {Entry} */ { study, claimed_by: by, claimed: since, acts }, /** @type {Claim | null} */ before) {
    if (by === this.#me) {
      this.#held.add(study);
      return before?.mine ? before : { mine: true, until: Date.parse(since ?? "") + LASTS_MS };
    }
    this.#held.delete(study);
    if (by !== null) return { mine: false, sentence: `${by} has had this study since ${since === null ? "" : clock(since)}. You may look; only they can report it.` };
    return acts.includes("claim") ? { mine: false, sentence: "Nobody has this study at present.", open: true } : null;
  }
}
