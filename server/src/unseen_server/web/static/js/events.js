// @ts-check
// News from the server: `onNews(f)` calls f whenever something in the worklist has changed, and once after a lost connection came back.
// A connection that is silent counts as lost: it may have ended without a message, for example where a server has lost its power.
import { api } from "./api.js";
import { AGAIN_MS } from "./repeated.js";

const SILENT_MS = 45_000; // the server writes every 15 s, also if nothing has changed
const LOOK_MS = 5000;

/** @typedef {(news: { seq: number | null }) => unknown} Listener */

/** @type {Set<Listener>} */
const listeners = new Set();
/** @type {EventSource | null} */
let source = null;
let heard = 0; // time of the last event
let lost = false;

export function onNews(/** @type {Listener} */ listener) {
  listeners.add(listener);
  if (source === null) open();
  return () => listeners.delete(listener);
}

// Browsers allow six connections to a server, and a hidden page does not need one.
document.addEventListener("visibilitychange", () => {
  if (source === null && listeners.size === 0) return;
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (source === null) {
    open();
    tell({ seq: null });
  }
});

setInterval(() => {
  if (source === null || performance.now() - heard < SILENT_MS) return;
  source.close();
  isLost();
  open();
}, LOOK_MS);

function open() {
  const mine = new EventSource("/api/v1/events");
  source = mine;
  const hears = () => { heard = performance.now(); };
  hears();
  mine.addEventListener("here", hears);
  mine.addEventListener("changed", (event) => {
    hears();
    tell(JSON.parse(event.data));
  });
  mine.addEventListener("open", () => {
    hears();
    document.body.dataset.connection = "live";
    if (lost) tell({ seq: null });
    lost = false;
  });
  mine.addEventListener("error", () => {
    isLost();
    if (mine.readyState === EventSource.CLOSED) { // refused by the server
      api("/promise").catch(() => {}); // leads to the sign-in page if the session has ended
      setTimeout(() => { if (source === mine) open(); }, AGAIN_MS);
    }
  });
}

function isLost() {
  lost = true;
  document.body.dataset.connection = "lost";
}

function tell(/** @type {{ seq: number | null }} */ news) {
  for (const listener of listeners) listener(news);
}
