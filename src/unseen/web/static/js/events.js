// News from the server: `onNews(f)` calls f whenever something in the worklist has changed, and once after a lost connection came back.

const listeners = new Set();
let source = null;

export function onNews(listener) {
  listeners.add(listener);
  if (source === null) open();
  return () => listeners.delete(listener);
}

function open() {
  source = new EventSource("/api/v1/events");
  let lost = false;
  source.addEventListener("changed", (event) => tell(JSON.parse(event.data)));
  source.addEventListener("open", () => {
    document.body.dataset.connection = "live";
    if (lost) tell({ seq: null });
    lost = false;
  });
  source.addEventListener("error", () => {
    lost = true;
    document.body.dataset.connection = "lost";
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 3000); // refused, such as after the session's end
  });
}

function tell(news) {
  for (const listener of listeners) listener(news);
}
