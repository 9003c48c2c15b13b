// @ts-check
// Drafts of reports: kept by the server, and in this browser until the server has them.
import { api, statusOf } from "./api.js";
import { local } from "./browser_storage.js";

const WAIT_MS = 600; // delay after the last key press
const AGAIN_MS = 5000; // delay before an unreachable server is tried again

const keyOf = (/** @type {string} */ me, /** @type {string} */ study) => `unseen.draft.${me}.${study}`;

/** Return the note that a reader has written of a study and not reported: the text that the server does not have yet, else the server's. */
export async function noteOf(/** @type {string} */ me, /** @type {string} */ study) {
  return local.get(keyOf(me, study)) ?? (await api(`/studies/${study}`)).draft;
}

/** Delete the draft of a reported study in this browser; the server has deleted its own. */
export const forgetNote = (/** @type {string} */ me, /** @type {string} */ study) => local.remove(keyOf(me, study));

export class Drafts {
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #due = new Map();

  /** @param {string} me */
  constructor(me) { this.me = me; }

  #key(/** @type {string} */ study) { return keyOf(this.me, study); }

  /** Return the draft of a study: the unsent text in this browser, else the server's text. */
  of(/** @type {Page.Returned<"GET /studies/{study}">} */ { entry, draft }) {
    const kept = local.get(this.#key(entry.study));
    if (kept !== null) this.#later(entry.study, 0);
    return kept ?? draft;
  }

  /** Save the text in this browser, and send it after a delay. */
  keep(/** @type {string} */ study, /** @type {string} */ note) {
    local.set(this.#key(study), note);
    this.#later(study, WAIT_MS);
  }

  /** Send unsent text immediately, for a page that the user leaves. */
  flush(/** @type {string} */ study) { if (local.get(this.#key(study)) !== null) this.#send(study, true); }

  /** Delete the draft of a reported study in this browser; the server has deleted its own. */
  done(/** @type {string} */ study) {
    clearTimeout(this.#due.get(study));
    forgetNote(this.me, study);
  }

  /** Report true while the text of a study is in this browser alone. */
  unsent(/** @type {string} */ study) { return local.get(this.#key(study)) !== null; }

  /** Return the reason that the reader has written for setting a study aside; it is in this browser alone. */
  reasonOf(/** @type {string} */ study) { return local.get(`unseen.aside.${this.me}.${study}`) ?? ""; }

  /** Keep the reason for setting a study aside; an empty one is deleted. */
  keepReason(/** @type {string} */ study, /** @type {string} */ reason) {
    const key = `unseen.aside.${this.me}.${study}`;
    if (reason) local.set(key, reason);
    else local.remove(key);
  }

  #later(/** @type {string} */ study, /** @type {number} */ wait) {
    clearTimeout(this.#due.get(study));
    this.#due.set(study, setTimeout(() => this.#send(study), wait));
  }

  async #send(/** @type {string} */ study, keepalive = false) {
    const note = local.get(this.#key(study));
    if (note === null) return;
    try {
      await api(`/studies/${study}/draft`, { method: "PUT", body: { note }, keepalive });
      if (local.get(this.#key(study)) === note) local.remove(this.#key(study));
    } catch (error) {
      if (statusOf(error) === 404) this.done(study); // the study was erased, so its draft is deleted as well
      else this.#later(study, AGAIN_MS);
    }
  }
}
