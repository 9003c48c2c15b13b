// @ts-check
// Input of a `FilmCanvas`: mouse, pen and fingers, and by keys.
import { dragWindow, nextWindow } from "./canvas_moves.js";

/** Keys of a film; a page's own keys take precedence. */
export const FILM_KEYS = [
  ["D", "ruler: arrows move an end, Enter takes the other, D puts it away"],
  ["G", "magnifier, and the grey value"],
  ["T", "turn by 90°"],
  ["H", "flip left to right"],
  ["X", "all as it was at first"],
  ["I", "invert"],
  ["[ ]", "window narrower, wider"],
  [", .", "window darker, brighter"],
  ["PgUp PgDn", "zoom in, out"],
  ["Shift + arrows", "move the film"],
  ["F", "fit"],
  ["0", "one pixel a sample"],
  ["W", "the first window again"],
  ["B", "the next window of the film"],
];

const STEP = 20; // length of the drag that one key press replaces, in screen points

/** Handle a key press; return false if the key has no function. */
export function keys(/** @type {import("./film_canvas.js").FilmCanvas} */ view, /** @type {KeyboardEvent} */ event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (view.ruler?.key(event)) return true;
  const pan = 60 * (devicePixelRatio || 1);
  /** @type {Record<string, () => void>} */
  const shifted = {
    ArrowLeft: () => view.panBy(pan, 0),
    ArrowRight: () => view.panBy(-pan, 0),
    ArrowUp: () => view.panBy(0, pan),
    ArrowDown: () => view.panBy(0, -pan),
  };
  /** @type {Record<string, () => void>} */
  const plain = {
    i: () => view.setInverted(!view.inverted),
    "[": () => dragWindow(view, -STEP, 0),
    "]": () => dragWindow(view, STEP, 0),
    ",": () => dragWindow(view, 0, STEP),
    ".": () => dragWindow(view, 0, -STEP),
    f: () => view.fit(),
    0: () => view.actual(),
    w: () => view.setWindow(view.first),
    b: () => nextWindow(view),
    d: () => view.ruler?.toggle(),
    g: () => view.lens?.toggle(),
    t: () => view.setOrientation({ ...view.orientation, turns: (view.orientation.turns + 1) % 4 }),
    h: () => view.setOrientation({ ...view.orientation, flipped: !view.orientation.flipped }),
    x: () => view.reset(),
    PageUp: () => view.zoomBy(1.25),
    PageDown: () => view.zoomBy(0.8),
  };
  const does = event.shiftKey ? shifted[event.key] : plain[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!does) return false;
  does();
  return true;
}

/** Handle the pointer. Left or right drag: window; middle, shift or space: pan; wheel: zoom about the pointer; two fingers: zoom and pan. */
export function pointers(/** @type {import("./film_canvas.js").FilmCanvas} */ view, /** @type {HTMLCanvasElement} */ canvas) {
  /** @type {Map<number, Page.Point>} */
  const down = new Map();
  let space = false;

  const place = (/** @type {MouseEvent} */ event) => {
    const frame = canvas.getBoundingClientRect();
    const density = canvas.width / Math.max(1, frame.width);
    return { x: (event.clientX - frame.left) * density, y: (event.clientY - frame.top) * density };
  };
  const hover = (/** @type {Page.Point | null} */ at) => view.dispatchEvent(new CustomEvent("hover", { detail: { at } }));
  const pans = (/** @type {PointerEvent} */ event) => event.buttons & 4 || event.shiftKey || space;

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    down.set(event.pointerId, place(event));
    if (!pans(event)) view.ruler?.press(place(event));
    event.preventDefault(); // prevents text selection and scrolling with the middle button
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    const now = place(event);
    hover(now);
    if (!before) return;
    const density = canvas.width / Math.max(1, canvas.clientWidth);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (down.size === 2 && other) {
      const apart = (/** @type {Page.Point} */ a) => Math.hypot(a.x - other.x, a.y - other.y) || 1;
      view.panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
      view.zoomBy(apart(now) / apart(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    } else if (!pans(event) && view.ruler?.drag(now)) {
      down.set(event.pointerId, now);
      return;
    } else if (pans(event)) {
      view.panBy(now.x - before.x, now.y - before.y);
    } else {
      dragWindow(view, (now.x - before.x) / density, (now.y - before.y) / density);
    }
    down.set(event.pointerId, now);
    canvas.dataset.drag = pans(event) ? "pan" : "window";
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(end, (event) => {
      down.delete(event.pointerId);
      view.ruler?.drop();
      delete canvas.dataset.drag;
    });
  }
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    view.zoomBy(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0018), place(event));
  }, { passive: false });
  canvas.addEventListener("dblclick", () => view.fit());
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    space = true;
    event.preventDefault();
  });
  for (const end of ["keyup", "blur"]) canvas.addEventListener(end, () => { space = false; });
}
