// The way to the server, and to the page's elements. Every page uses these and nothing else for both.

const ROOT = "/api/v1";

export class ApiError extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/** Ask the API. `body` is sent as JSON, or as it is where it is a Blob; `as` is "json", "bytes" or "response". */
export async function api(path, { method, body, headers = {}, as = "json", signal } = {}) {
  const raw = body instanceof Blob;
  let answer;
  try {
    answer = await fetch(ROOT + path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { "X-Requested-With": "unseen", ...(body === undefined || raw ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined || raw ? body : JSON.stringify(body),
      credentials: "same-origin",
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server cannot be reached. What you did last was not kept; it is tried again when you do it again.");
  }
  if (answer.status === 401 && !location.pathname.startsWith("/sign-in")) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {}); // the page is being left
  }
  if (!answer.ok) throw new ApiError(answer.status, await sentenceOf(answer));
  if (as === "response") return answer;
  if (as === "bytes") return answer.arrayBuffer();
  return answer.status === 204 ? null : answer.json();
}

async function sentenceOf(answer) {
  try {
    return (await answer.json()).error ?? answer.statusText;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

/** An element: `el("button", { class: "main", type: "button", onclick: go }, "Go")`. Text is never read as HTML. */
export function el(tag, attributes = {}, ...children) {
  const made = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const $ = (selector, root = document) => root.querySelector(selector);

/** A short message; with `action` and `run` it has a button. It stays 8 s, or until it is dismissed. */
export function toast(words, { kind = "", action, run, lasts = 8000 } = {}) {
  const note = el("div", { class: `toast ${kind}` }, el("span", {}, words));
  const away = () => note.remove();
  if (action) note.append(el("button", { type: "button", class: "quiet", onclick: () => { away(); run(); } }, action));
  note.append(el("button", { type: "button", class: "quiet close", "aria-label": "Dismiss", onclick: away }, "×"));
  $("#toasts").append(note);
  if (lasts) setTimeout(away, lasts);
  return away;
}

/** Show an error's sentence; for handlers: `.catch(failed)`. */
export function failed(error) {
  if (error.name !== "AbortError") toast(error.message, { kind: "bad", lasts: 15000 });
}

/** How long ago, or how long it lasts, in one or two words: 4 s, 12 min, 3 h, 2 days. */
export function span(seconds) {
  const s = Math.max(0, seconds);
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} days`;
}

/** Whether keys belong to a field at present. */
export function typing(event) {
  return event.ctrlKey || event.metaKey || event.altKey || !!event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]");
}
