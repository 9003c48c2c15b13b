// @ts-check
// Requests to the server (`api`), sentences for requests without an answer, and access to the page's elements (`$`, `el`), for every page.
// Every page uses these and nothing else for both.

import { localised } from "./dates.js";
import { numberOf } from "./numbers.js";

const ROOT = "/api/v1";
const EXACT_MS = 2000; // the header Date has a resolution of one second
let ahead_ms = 0; // offset of the server's clock

export class ApiError extends Error {
  constructor(/** @type {number} */ status, /** @type {string} */ sentence) {
    super(sentence);
    this.status = status;
  }
}

/** @param {string} path  @param {Page.Options} options  @returns {Promise<unknown>} */
async function request(path, { method, body, headers = {}, as = "json", signal, keepalive = false } = {}) {
  const raw = body instanceof Blob;
  const reads = (method ?? (body === undefined ? "GET" : "POST")) === "GET" || path.endsWith("/search");
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(ROOT + path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { "X-Requested-With": "unseen", ...(body === undefined || raw ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined || raw ? body : JSON.stringify(body),
      credentials: "same-origin",
      signal,
      keepalive,
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, reads ? "The server cannot be reached. Try again in a moment." : "The server cannot be reached. It is not known whether it kept what you did last: look at the study again when the connection is back.");
  }
  const ahead = Date.parse(answer.headers.get("Date") ?? "") - Date.now() || 0;
  ahead_ms = Math.abs(ahead) < EXACT_MS ? 0 : ahead;
  if (answer.status === 401 && !location.pathname.startsWith("/sign-in")) {
    location.assign(`/sign-in?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {}); // the user is leaving the page
  }
  if (!answer.ok) throw new ApiError(answer.status, await sentenceOf(answer));
  if (as === "response") return answer;
  if (as === "bytes") return answer.arrayBuffer();
  return answer.status === 204 ? null : answer.json();
}

/** Send a request to the API. `body` is sent as JSON, a Blob unchanged; `as` is "json", "bytes" or "response". */
export const api = /** @type {Page.Call} */ (request);

/** Return the time by the server's clock, from which a time of the server may be subtracted: this computer's clock may be wrong. */
export const serverTime = () => Date.now() + ahead_ms;

/** Report true if the page itself cancelled the request. */
export const isAbort = (/** @type {unknown} */ error) => error instanceof Error && error.name === "AbortError";

/** Return the message of an error. */
export const sentenceIn = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

/** Return the status of the server's response; 0 if there was no response or the error has another cause. */
export const statusOf = (/** @type {unknown} */ error) => (error instanceof ApiError ? error.status : 0);

/** @param {Response} answer */
async function sentenceOf(answer) {
  try {
    const { error, problems } = await answer.json();
    return localised(error ?? problems?.join(" ") ?? answer.statusText);
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

/**
 * Return a new element: `el("button", { class: "main", type: "button", onclick: go }, "Go")`. Text is never parsed as HTML; UTC times in it are shown in local time.
 * @template {string} T
 * @param {T} tag
 * @param {Page.Attributes<Page.Made<T>>} attributes
 * @param {(Page.Child | Page.Child[])[]} children
 * @returns {Page.Made<T>}
 */
export function el(tag, attributes = {}, ...children) {
  /** @type {HTMLElement | SVGElement} */
  const made = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), /** @type {(event: Event) => void} */ (value));
    else if (name === "dataset") Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  const there = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  made.append(...there.map((child) => (child instanceof Node ? child : localised(String(child)))));
  return /** @type {Page.Made<T>} */ (/** @type {unknown} */ (made));
}

/**
 * Return the page's first element that matches a selector; the templates define its type by id. If the element may be missing, use `find`.
 * @template {string} S
 * @param {S} selector
 * @param {ParentNode} root
 */
export const $ = (selector, root = document) => /** @type {Page.Found<S>} */ (/** @type {unknown} */ (root.querySelector(selector)));

/** Return the first element that matches a selector, or null. @type {(selector: string, root?: ParentNode) => HTMLElement | null} */
export const find = (selector, root = document) => root.querySelector(selector);

/** Return the event's target or its nearest ancestor that matches a selector; null if there is none. */
export function closest(/** @type {Event} */ event, /** @type {string} */ selector) {
  return event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest(selector)) : null;
}

/**
 * Return a value that must be present.
 * @template V
 * @param {V | null | undefined} value
 */
export function there(value) {
  if (value === null || value === undefined) throw new Error("Something that this page needs is not there.");
  return value;
}

/** Return a duration in one or two words: 4 s, 12 min, 3 h, 2 days. */
export function span(/** @type {number} */ seconds) {
  const s = Math.max(0, seconds);
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  return numberOf(Math.floor(s / 86400), "day");
}

/** Report true while a dialog is open; after a click on its text, keys go to the page's body. */
export const inDialog = () => document.querySelector("dialog:modal") !== null;

/** Report true if a key press belongs to a field or a dialog, or is a browser shortcut. */
export function typing(/** @type {KeyboardEvent} */ event) {
  return event.ctrlKey || event.metaKey || event.altKey || inDialog() || closest(event, "input, textarea, select, [contenteditable]") !== null;
}

/** Open a dialog whose button gives the answer. Escape leaves `returnValue` as it is, so that of the dialog's last use is deleted. */
export function openQuestion(/** @type {HTMLDialogElement} */ dialog) {
  dialog.returnValue = "";
  dialog.showModal();
}
