// @ts-check
// Focus that a page would lose by its own changes, because the element that has it is removed, hidden or disabled.
// Without this the browser gives the focus to the page's body, and users of a keyboard or a screen reader start again at the top.

const SHORT_LIVED = "dialog, #toasts"; // the focus goes back to the place from before
const REGIONS = "main, section, article, aside, form, figure, table, [role=tabpanel], [role=group]";

/** Place of the focus: element, its name, and its ancestors from the inside out. @typedef {{ element: HTMLElement, name: string, within: HTMLElement[] }} Place */

/** @type {Place | null} */
let last = null;
/** @type {Place | null} */
let before = null; // last place outside dialogs and messages
let due = false;

const isHtml = (/** @type {EventTarget | Element | null} */ one) => one instanceof HTMLElement;
const usable = (/** @type {HTMLElement} */ one) => one.isConnected && !one.matches(":disabled") && one.checkVisibility();

/** Return what an element and its ancestors are called: a redrawn element has the same name. */
function nameOf(/** @type {HTMLElement} */ element) {
  const own = element.id !== "" || element.ariaLabel !== null || Object.keys(element.dataset).length > 0; // its words may change
  const names = [own ? "" : element.textContent ?? "", element.getAttribute("name") ?? "", element.getAttribute("href") ?? ""];
  for (let one = /** @type {HTMLElement | null} */ (element); one; one = one.parentElement) {
    names.push(one.tagName, one.id, one.getAttribute("aria-label") ?? "", JSON.stringify(one.dataset));
  }
  return names.join("\n");
}

function placeOf(/** @type {HTMLElement} */ element) {
  const within = [];
  for (let one = element.parentElement; one; one = one.parentElement) within.push(one);
  return { element, name: nameOf(element), within };
}

document.addEventListener("focusin", ({ target }) => {
  if (!isHtml(target)) return;
  last = placeOf(target);
  if (!target.closest(SHORT_LIVED)) before = last;
});

// The user has left an element that is still usable afterwards: an element that is removed gets this event as well.
document.addEventListener("focusout", ({ target, relatedTarget }) => {
  if (relatedTarget !== null || !document.hasFocus() || !isHtml(target) || !usable(target)) return;
  setTimeout(() => { if (last?.element === target && document.activeElement !== target && usable(target)) last = null; });
});

/** Return the element that takes over the focus; null while the last one is only disabled. @returns {HTMLElement | null} */
function successor(/** @type {Place} */ { element, name, within }) {
  if (usable(element)) return element;
  const after = within.find((one) => one.dataset.focusAfter)?.dataset.focusAfter;
  const named = after === undefined ? null : document.getElementById(after);
  if (named?.checkVisibility()) return named;
  if (element.isConnected && element.checkVisibility()) return null; // it gets the focus back when it is enabled again
  const kept = within.find((one) => one.isConnected && one.checkVisibility());
  if (!kept || kept === document.body || kept === document.documentElement) return null;
  const twins = /** @type {NodeListOf<HTMLElement>} */ (kept.querySelectorAll(element.tagName));
  return [...twins].find((one) => usable(one) && nameOf(one) === name) ?? kept.closest(REGIONS);
}

function keep() {
  due = false;
  if (last === null || (document.activeElement !== null && document.activeElement !== document.body)) return;
  const gone = last.within.some((one) => one.matches(SHORT_LIVED)) && !usable(last.element) ? before : last;
  const next = gone && successor(gone);
  if (!next) return;
  if (next.tabIndex < 0 && !next.hasAttribute("tabindex")) next.tabIndex = -1;
  next.focus({ preventScroll: true });
}

// The browser moves the focus away from a hidden or disabled element when it paints, so this looks after that.
new MutationObserver(() => {
  if (due || last === null) return;
  due = true;
  requestAnimationFrame(() => setTimeout(keep));
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden", "disabled", "open"] });
