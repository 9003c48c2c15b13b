// @ts-check
// Claims of the viewer: a study is claimed when it is opened and released when it is left without a report.
import { ApiError, api } from "./api.js";
import { clock } from "./dates.js";

const LASTS_MS = 30 * 60_000;

/** @typedef {Page.Returned<"GET /studies/{study}">["entry"]} Entry */
/** @typedef {{ mine: true, until: string | number } | { mine: false, sentence: string, open?: boolean }} Claim */

/** Pages of this browser that have a study open, each with the time at which its claim ends. @typedef {Record<string, number>} Pages */

export class Claims {
  #me;
  #page = `${performance.timeOrigin} ${Math.random()}`; // name of this page among the tabs of this browser
  /** @type {Set<string>} */
  #held = new Set();

  constructor(/** @type {string} */ me) { this.#me = me; }

  #key(/** @type {string} */ study) { return `unseen.open.${this.#me}.${study}`; }

  /** Return the other pages of this browser that have the study open; a page that has crashed counts until its claim ends. @returns {Pages} */
  #others(/** @type {string} */ study) {
    const pages = Object.entries(/** @type {Pages} */ (JSON.parse(localStorage.getItem(this.#key(study)) ?? "{}")));
    return Object.fromEntries(pages.filter(([page, ends]) => page !== this.#page && ends > Date.now()));
  }

  #hold(/** @type {string} */ study) {
    this.#held.add(study);
    localStorage.setItem(this.#key(study), JSON.stringify({ ...this.#others(study), [this.#page]: Date.now() + LASTS_MS }));
  }

  /** Forget a study; return true if this page had it and no other page of this browser has it: only then it is released. */
  #forget(/** @type {string} */ study) {
    if (!this.#held.delete(study)) return false;
    const others = this.#others(study), alone = Object.keys(others).length === 0;
    if (alone) localStorage.removeItem(this.#key(study));
    else localStorage.setItem(this.#key(study), JSON.stringify(others));
    return alone;
  }

  /**
   * Claim a study; return {until}, or {error} if somebody else has it or its state does not allow a claim.
   * @returns {Promise<{ until: string, error?: undefined } | { until?: undefined, error: ApiError }>}
   */
  async take(/** @type {string} */ study) {
    try {
      const { until } = await api(`/studies/${study}/claim`, { method: "POST" });
      this.#hold(study);
      return { until };
    } catch (error) {
      if (error instanceof ApiError) return { error };
      throw error;
    }
  }

  /** Release a study if the reader has claimed it and has it open on no other page. */
  async leave(/** @type {string} */ study) {
    if (!this.#forget(study)) return;
    await api(`/studies/${study}/release`, { method: "POST" }).catch(() => {}); // somebody else may have claimed it by now
  }

  /** Release all claimed studies when the user leaves the page. */
  leaveAll() {
    for (const study of [...this.#held].filter((one) => this.#forget(one))) {
      fetch(`/api/v1/studies/${study}/release`, { method: "POST", headers: { "X-Requested-With": "unseen" }, keepalive: true });
    }
  }

  /** Forget the claim of a reported study, which needs no release. */
  done(/** @type {string} */ study) { this.#forget(study); }

  /** Return the claim that the study's entry shows; null if nobody can claim it. @returns {Claim | null} */
  heard(/** @type {Entry} */ { study, claimed_by: by, claimed: since, acts }, /** @type {Claim | null} */ before) {
    if (by === this.#me) {
      this.#hold(study);
      return before?.mine ? before : { mine: true, until: Date.parse(since ?? "") + LASTS_MS };
    }
    this.#forget(study);
    if (by !== null) return { mine: false, sentence: `${by} has had this study since ${since === null ? "" : clock(since)}. You may look; only they can report it.` };
    return acts.includes("claim") ? { mine: false, sentence: "Nobody has this study at present.", open: true } : null;
  }
}
