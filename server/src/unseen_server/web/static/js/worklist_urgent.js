// @ts-check
// Notification of a study with high priority: in the title, in a note, and by the system if allowed.
// Off until it is asked for.
import { $, api, find } from "./api.js";
import { local } from "./browser_storage.js";
import { numberOf } from "./numbers.js";
import { toast } from "./toasts.js";

const LOOK_MS = 15_000; // interval; also while the page is hidden, when no news arrives
const APART_MS = 3000; // shortest time between two requests after news
const ROWS = 20;
const KEPT = "unseen_server.worklist.tell";
const TITLE = document.title;

export class Urgent {
  /** @type {Set<string> | null} */
  #known = null; // flagged studies that were already there; null before the first request
  #since = 0; // start of the watch: studies changed earlier are not announced, although they may move up among the rows
  #looked = 0;
  #told = 0; // studies of the message that is shown
  #dismiss = () => {};
  #unread = 0; // new studies since the user last saw the page
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {{ now: () => number, show: () => unknown }} page  `now` by the server's clock; `show` brings those studies onto the page */
  constructor(page) {
    this.page = page;
    $("#tell").addEventListener("click", () => this.#choose(!this.on));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#read(); });
    if (local.get(KEPT) === "yes") this.#begin();
    this.#say();
  }

  get on() { return this.#timer !== undefined; }

  /** Request the list after news, without waiting for the interval. */
  soon() { if (this.on && Date.now() - this.#looked > APART_MS) this.#look(); }

  async #choose(/** @type {boolean} */ on) {
    if (!on) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#known = null;
      local.remove(KEPT);
      this.#read();
      this.#say();
      toast("You are no longer notified of urgent studies.");
      return;
    }
    local.set(KEPT, "yes");
    this.#begin();
    this.#say();
    const may = "Notification" in window ? await Notification.requestPermission().catch(() => "denied") : "denied";
    toast(may === "granted"
      ? "You are notified when a study comes that is to be read earlier, also while this page is in the background."
      : "You are notified on this page and in its title when a study comes that is to be read earlier. The browser does not allow more.");
  }

  #begin() {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  async #look() {
    this.#looked = Date.now();
    const found = await api("/studies/search", { body: { tab: "to_read", flag: true, order: "received", reverse: true, limit: ROWS } }).catch(() => null);
    if (!found || !this.on) return;
    if (this.#known === null) this.#since = this.page.now();
    const fresh = this.#known === null ? [] : found.rows.filter((row) => !this.#known?.has(row.study) && Date.parse(row.changed) > this.#since - 2000);
    this.#known = new Set([...(this.#known ?? []), ...found.rows.map((row) => row.study)]);
    if (fresh.length) this.#tell(fresh.length);
  }

  #tell(/** @type {number} */ count) {
    this.#told = count + (find("#toasts .urgent") ? this.#told : 0); // one message: over a shift, one for each would cover the page
    const words = numberOf(this.#told, "study came that is to be read earlier", "studies came that are to be read earlier"); // the message contains no patient data
    this.#dismiss();
    this.#dismiss = toast(`${words}.`, { kind: "urgent", action: "Show", run: () => this.page.show(), lasts: 0 });
    if (!document.hidden) return;
    this.#unread += count;
    document.title = `(${this.#unread}) ${TITLE}`;
    if ("Notification" in window && Notification.permission === "granted") {
      const note = new Notification("unseen", { body: `${words}.`, tag: "unseen-urgent" });
      note.addEventListener("click", () => { window.focus(); note.close(); });
    }
  }

  #read() {
    this.#unread = 0;
    document.title = TITLE;
  }

  #say() { $("#tell").setAttribute("aria-pressed", String(this.on)); }
}
