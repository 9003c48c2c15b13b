// @ts-check
// Drafts of reports: kept by the server, and in this browser until the server has them.
import { api, statusOf } from "./api.js";

const WAIT_MS = 600; // after the last key
const AGAIN_MS = 5000; // until a server that cannot be reached is tried again

export class Drafts {
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #due = new Map();

  /** @param {string} me */
  constructor(me) { this.me = me; }

  #key(/** @type {string} */ study) { return `unseen.draft.${this.me}.${study}`; }

  /** What was written of a study: what this browser has not sent yet, else what the server has. */
  of(/** @type {Page.Returned<"GET /studies/{study}">} */ { entry, draft }) {
    const kept = localStorage.getItem(this.#key(entry.study));
    if (kept !== null) this.#later(entry.study, 0);
    return kept ?? draft;
  }

  /** Keep what is written. */
  keep(/** @type {string} */ study, /** @type {string} */ note) {
    localStorage.setItem(this.#key(study), note);
    this.#later(study, WAIT_MS);
  }

  /** Send at once what is not sent yet, for a page that is being left. */
  flush(/** @type {string} */ study) { if (localStorage.getItem(this.#key(study)) !== null) this.#send(study, true); }

  /** It is reported: the server has forgotten its draft. */
  done(/** @type {string} */ study) {
    clearTimeout(this.#due.get(study));
    localStorage.removeItem(this.#key(study));
  }

  #later(/** @type {string} */ study, /** @type {number} */ wait) {
    clearTimeout(this.#due.get(study));
    this.#due.set(study, setTimeout(() => this.#send(study), wait));
  }

  async #send(/** @type {string} */ study, keepalive = false) {
    const note = localStorage.getItem(this.#key(study));
    if (note === null) return;
    try {
      await api(`/studies/${study}/draft`, { method: "PUT", body: { note }, keepalive });
      if (localStorage.getItem(this.#key(study)) === note) localStorage.removeItem(this.#key(study));
    } catch (error) {
      if (statusOf(error) === 404) this.done(study); // erased, and so is what was written of it
      else this.#later(study, AGAIN_MS);
    }
  }
}
