// @ts-check
// What of the worklist is looked at: list, filters, page. All of it stands in the address, but for what was searched for.
import { TABS } from "./worklist_counts.js";

/** @typedef {import("./worklist_counts.js").Tab} Tab */
/**
 * @typedef {{ tab: Tab, source: string, text: string, refusal: string, after: string | null, before: string | null, last: boolean,
 *   offset: number | null }} View
 */

export const ROWS = 50;
const FIRST = { after: null, before: null, last: false, offset: 0 };
/** What narrows a list. @type {(keyof View)[]} */
const FILTERS = ["source", "text", "refusal"];

/** The view that an address asks for. */
export function viewOf(/** @type {string} */ search) {
  const asked = new URLSearchParams(search);
  /** @type {View} */
  const view = { ...FIRST, tab: TABS.find((tab) => tab === asked.get("tab")) ?? "to_read", source: asked.get("source") ?? "", text: "", refusal: asked.get("refusal") ?? "" };
  return view;
}

/** Change the view; a change of anything but the page begins at the first one. Returns whether a filter has changed. */
export function change(/** @type {View} */ view, /** @type {Partial<View>} */ changes) {
  const list = "tab" in changes || FILTERS.some((name) => name in changes);
  if (changes.tab !== undefined && changes.tab !== view.tab && !("refusal" in changes)) changes = { ...changes, refusal: "" };
  Object.assign(view, FIRST, changes);
  return list && FILTERS.some((name) => name in changes);
}

/** The address of a view; never what was searched for. */
export function addressOf(/** @type {View} */ view) {
  const address = new URLSearchParams();
  if (view.tab !== "to_read") address.set("tab", view.tab);
  for (const name of /** @type {const} */ (["source", "refusal"])) if (view[name]) address.set(name, view[name]);
  return address.size ? `/?${address}` : "/";
}

/** What is asked of the server for it. */
export function bodyOf(/** @type {View} */ view) {
  const { tab, source, text, refusal, after, before, last } = view;
  return { tab, source: source || null, text: text || null, refusal: refusal || null, grouped: !refusal && !text, after, before, last, limit: ROWS };
}
