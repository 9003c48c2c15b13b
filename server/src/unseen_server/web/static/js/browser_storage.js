// @ts-check
// Storage of the browser: of this browser (`local`), and of this tab (`session`). Where the browser refuses to store, because
// storage is disabled or full, values are kept until the page is left.

class BrowserStorage {
  #name;
  /** @type {Map<string, string>} */
  #unstored = new Map();

  constructor(/** @type {"localStorage" | "sessionStorage"} */ name) { this.#name = name; }

  /** Return a text; null if there is none. */
  get(/** @type {string} */ key) {
    const text = this.#unstored.get(key);
    if (text !== undefined) return text;
    try {
      return window[this.#name].getItem(key); // the property itself throws where storage is disabled
    } catch {
      return null;
    }
  }

  set(/** @type {string} */ key, /** @type {string} */ text) {
    this.#unstored.delete(key);
    try {
      window[this.#name].setItem(key, text);
    } catch {
      this.#unstored.set(key, text);
    }
  }

  remove(/** @type {string} */ key) {
    this.#unstored.delete(key);
    try {
      window[this.#name].removeItem(key);
    } catch {
      // nothing was stored
    }
  }

  /** Return a value that was stored as JSON; `otherwise` if there is none, or the text is no JSON. @template T  @returns {T} */
  json(/** @type {string} */ key, /** @type {T} */ otherwise) {
    try {
      return JSON.parse(this.get(key) ?? "null") ?? otherwise;
    } catch {
      return otherwise;
    }
  }
}

export const local = new BrowserStorage("localStorage");
export const session = new BrowserStorage("sessionStorage");
