// @ts-check
// News from the server: `onNews(f)` calls f whenever something in the worklist has changed, and once after a lost connection came back.

/** @typedef {(news: { seq: number | null }) => unknown} Listener */

/** @type {Set<Listener>} */
const listeners = new Set();
/** @type {EventSource | null} */
let source = null;

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

function open() {
  const mine = new EventSource("/api/v1/events");
  source = mine;
  let lost = false;
  mine.addEventListener("changed", (event) => tell(JSON.parse(event.data)));
  mine.addEventListener("open", () => {
    document.body.dataset.connection = "live";
    if (lost) tell({ seq: null });
    lost = false;
  });
  mine.addEventListener("error", () => {
    lost = true;
    document.body.dataset.connection = "lost";
    if (mine.readyState === EventSource.CLOSED) { // refused by the server, for example after the session has ended
      setTimeout(() => { if (source === mine) open(); }, 3000);
    }
  });
}

function tell(/** @type {{ seq: number | null }} */ news) {
  for (const listener of listeners) listener(news);
}
