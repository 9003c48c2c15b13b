// @ts-check
// The tour of the demonstration: three cards beside what they speak of. It begins at /?tour=1, goes along from page to
// page, asks for nothing, and does not come again once it was ended.
import { $, el, find, typing } from "./api.js";
import { local, session } from "./browser_storage.js";

const DONE = "unseen.tour"; // key in localStorage
const AT = "unseen.tour.step"; // key in sessionStorage: the tour continues on the page that a link opens
const GAP = 12;

/** Steps of the tour. A card points to the first of its targets that the page has. */
/** @type {{ targets: string[], title: string, words: string[], keys?: [string, string][] }[]} */
const STEPS = [
  {
    targets: ["#rows > tr"],
    title: "The top of the list",
    words: [
      "What could not be scored comes first, with the reason; then what waits too long; then by the priority that the model and the site's calibration give.",
      "What lies below the calibrated threshold is under Cleared, and some of it is read all the same.",
    ],
  },
  {
    targets: ["#verdicts", "#open"],
    title: "Open a film, look, decide",
    words: ["↑ ↓ and Enter open one. In the film: drag for window and level, wheel for zoom."],
    keys: [["N", "normal"], ["A", "abnormal"], ["U", "unsure"], ["R", "what differs"], ["I", "invert"], ["1–9", "models"]],
  },
  {
    targets: [".bar nav a[href='/compare']"],
    title: "Compare, and what stands behind it",
    words: [
      "Compare: the models side by side on a film, and on the films that readers have reported here, with a threshold to drag.",
      "Models: their cards, the calibration and how it holds.",
    ],
  },
];

let step = -1;
/** @type {HTMLElement | null} */
let card = null;
/** @type {HTMLElement | null} */
let target = null;
/** @type {Element | null} */
let before = null; // element that had the focus
let waiting = false;

function begin() {
  const asked = new URLSearchParams(location.search);
  const wanted = asked.get("tour") === "1";
  if (wanted) {
    asked.delete("tour");
    const rest = asked.toString();
    history.replaceState(null, "", location.pathname + (rest ? `?${rest}` : "") + location.hash);
  }
  if (local.get(DONE) === "done") return;
  const at = session.get(AT);
  if (!wanted && at === null) return;
  document.head.append(el("link", { rel: "stylesheet", href: "/static/tour.css" }));
  before = document.activeElement;
  addEventListener("keydown", keyed, true); // before the page's own handlers
  for (const what of ["scroll", "resize"]) addEventListener(what, soon, { passive: true, capture: true });
  new MutationObserver(soon).observe($("#main"), { childList: true, subtree: true });
  // the second card describes a film that was opened from the first one
  show(Math.min(Math.max(Number(at ?? 0), location.pathname.startsWith("/studies/") ? 1 : 0), STEPS.length - 1));
}

function show(/** @type {number} */ number) {
  step = number;
  session.set(AT, String(step));
  const { title, words, keys } = STEPS[step];
  const last = step === STEPS.length - 1;
  const next = el("button", { type: "button", class: "main", id: "tour-next", onclick: () => (last ? end() : show(step + 1)) }, last ? "Done" : "Next");
  card?.remove();
  card = el(
    "section",
    { class: "tour", role: "dialog", "aria-labelledby": "tour-title", "aria-describedby": "tour-words" },
    el("p", { class: "small soft" }, `${step + 1} of ${STEPS.length}`),
    el("h2", { id: "tour-title" }, title),
    el("div", { id: "tour-words" }, words.map((sentence) => el("p", {}, sentence)), keys && list(keys)),
    el("div", { class: "tour-buttons" }, next, !last && el("button", { type: "button", class: "quiet", onclick: end }, "Skip the tour")),
  );
  $("#main").after(card);
  place();
  next.focus({ preventScroll: true });
}

function list(/** @type {[string, string][]} */ keys) {
  return el("ul", {}, keys.map(([key, does]) => el("li", {}, el("kbd", {}, key), ` ${does}`)));
}

/** Handle keys: Escape ends the tour wherever the focus is; the page does not receive keys pressed in the card. */
function keyed(/** @type {KeyboardEvent} */ event) {
  if (card === null || typing(event)) return;
  const ends = event.key === "Escape";
  if (ends || (event.target instanceof Node && card.contains(event.target))) event.stopImmediatePropagation();
  if (!ends) return;
  event.preventDefault();
  end();
}

function end() {
  local.set(DONE, "done");
  session.remove(AT);
  const inside = card?.contains(document.activeElement);
  card?.remove();
  card = null;
  target?.classList.remove("tour-target");
  if (!inside) return;
  const back = before instanceof HTMLElement && before !== document.body && before.isConnected ? before : $("#main");
  back.focus({ preventScroll: true });
}

function soon() {
  if (waiting || card === null) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    if (card !== null) place();
  });
}

/** Place the card below its target, else above it or in its lower corner, always inside the window. */
function place() {
  if (card === null) return;
  const found = STEPS[step].targets.map((one) => find(one)).find((one) => one !== null && one.getClientRects().length > 0) ?? null;
  if (found !== target) target?.classList.remove("tour-target");
  target = found;
  const own = card.getBoundingClientRect();
  let left = innerWidth - own.width - 2 * GAP;
  let top = innerHeight - own.height - 4 * GAP;
  if (target !== null) {
    target.classList.add("tour-target");
    const seen = target.getBoundingClientRect();
    const beside = seen.width > innerWidth / 2 ? seen.right - own.width - 2 * GAP : seen.left + 2 * GAP; // the text of a row is on its left
    left = Math.min(Math.max(GAP, beside), innerWidth - own.width - GAP);
    if (seen.bottom + GAP + own.height < innerHeight) top = seen.bottom + GAP;
    else if (seen.top - GAP - own.height > 0) top = seen.top - GAP - own.height;
  }
  card.style.left = `${Math.max(GAP, left)}px`;
  card.style.top = `${Math.max(GAP, top)}px`;
}

begin();
