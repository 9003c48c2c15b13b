// @ts-check
// Address of the list: tab, filters, order and page as a URL.
// All of it stands in the address, but for what was searched for.

import { beginning } from "./dates.js";

/** @typedef {"to_read" | "cleared" | "reported" | "not_scored"} Tab  @typedef {Page.Sent<"POST /studies/search">} Search  @typedef {Page.Sent<"PUT /views">["wanted"]} Wanted */
/**
 * `flag` and `disagree` are "yes", "no" or ""; `received` is "today", "7d", "30d" or "2026-11-01..2026-11-25", in the reader's time zone;
 * `assigned` is "@me", "@nobody" or a name; `sort` is an order, with a leading "-" if it is reversed.
 * @typedef {{ source: string, state: string, position: string, flag: string, received: string, assigned: string, disagree: string, refusal: string, sort: string }} Named
 * @typedef {Named & { tab: Tab, text: string, after: string | null, before: string | null, last: boolean, offset: number | null }} View
 */

/** @type {Tab[]} */
export const TABS = ["to_read", "cleared", "reported", "not_scored"];
export const ROWS = 50;
/** Keys of the session: the study that is selected, and the address of the list. */
export const SELECTED = "unseen_server.worklist.selected";
export const SHOWN = "unseen_server.worklist.shown";
const FIRST = { after: null, before: null, last: false, offset: 0 };
/** Query parameter of each field in the address, and its allowed values. @type {Record<keyof Named, [name: string, allowed: RegExp]>} */
const NAMED = {
  source: ["source", /^.{1,200}$/], state: ["state", /^[a-z_]{1,30}$/], position: ["view", /^.{1,16}$/], flag: ["flag", /^(yes|no)$/],
  received: ["received", /^(today|7d|30d|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)$/], assigned: ["for", /^[@\w][\w.@-]{0,63}$/],
  disagree: ["disagree", /^yes$/], refusal: ["refusal", /^.{1,200}$/], sort: ["sort", /^-?(list|received|score|source)$/],
};
const KEYS = /** @type {(keyof Named)[]} */ (Object.keys(NAMED));
/** Fields that narrow a list. @type {(keyof View)[]} */
const FILTERS = [...KEYS.filter((key) => key !== "sort"), "text"];
/** Fields that are kept when a reader opens a study from the list. */
const READ_ON = KEYS.filter((key) => key !== "state" && key !== "refusal");
/** States of each list. @type {Record<Tab, string[]>} */
export const STATES = { to_read: ["received", "scored", "to_read", "not_scored", "in_reading"], cleared: [], reported: ["reported", "reported_elsewhere", "set_aside"], not_scored: [] };

/** @returns {Named} */
const named = (/** @type {URLSearchParams} */ asked) =>
  /** @type {Named} */ (Object.fromEntries(KEYS.map((key) => [key, NAMED[key][1].test(asked.get(NAMED[key][0]) ?? "") ? asked.get(NAMED[key][0]) : ""])));

/** Return the view in an address. */
export function viewOf(/** @type {string} */ search) {
  const asked = new URLSearchParams(search);
  const [after, before, last] = [asked.get("after"), asked.get("before"), asked.has("last")];
  const from = Number(asked.get("from"));
  const page = after !== null ? { after } : before !== null ? { before } : { last };
  const offset = after === null && before === null && !last ? 0 : Number.isInteger(from) && from > 0 ? from - 1 : null;
  /** @type {View} */
  const view = { ...FIRST, ...named(asked), ...page, offset, text: "", tab: TABS.find((tab) => tab === asked.get("tab")) ?? "to_read" };
  if (!STATES[view.tab].includes(view.state)) view.state = "";
  return view;
}

/** Change the view; any change except of the page starts at the first page. Returns true if a filter has changed. */
export function change(/** @type {View} */ view, /** @type {Partial<View>} */ changes) {
  if (changes.tab !== undefined && changes.tab !== view.tab) changes = { refusal: "", state: "", ...changes };
  const filtered = FILTERS.some((name) => name in changes && changes[name] !== view[name]);
  Object.assign(view, FIRST, changes);
  return filtered;
}

/** Return a view without filters and without an order. @returns {Partial<View>} */
export const everything = () => Object.fromEntries([...KEYS, "text"].map((key) => [key, ""]));

/** Return the number of active filters, the search included. */
export const filtersOn = (/** @type {View} */ view) => FILTERS.filter((name) => view[name]).length;

/** Return the address of a view, without the search text. */
export function addressOf(/** @type {View} */ view) {
  const address = query(view, KEYS);
  if (view.tab !== "to_read") address.set("tab", view.tab);
  for (const name of /** @type {const} */ (["after", "before"])) if (view[name] !== null) address.set(name, view[name]);
  if (view.last) address.set("last", "1");
  if (view.offset !== null && view.offset > 0) address.set("from", String(view.offset + 1));
  return address.size ? `/?${address}` : "/";
}

function query(/** @type {Named} */ view, /** @type {(keyof Named)[]} */ keys) {
  const address = new URLSearchParams();
  for (const key of keys) if (view[key]) address.set(NAMED[key][0], view[key]);
  return address;
}

/** Return the part of a list's address that a study's address keeps, so that its reader continues in the same list. */
export const readOn = (/** @type {Named} */ view) => query(view, READ_ON);

/** Return the list that a study's address names: its part of the address, and the request to the server. */
export function listOf(/** @type {string} */ search) {
  const view = named(new URLSearchParams(search));
  return { address: query(view, READ_ON), body: filters({ ...view, state: "", refusal: "" }) };
}

/** Return the body of the server request for a view. @returns {Search} */
export function bodyOf(/** @type {View} */ view) {
  const { tab, text, after, before, last } = view;
  const grouped = filtersOn(view) === 0 && view.sort === "";
  return { tab, ...filters(view), text: text || null, grouped, after, before, last, limit: ROWS };
}

/** Return the body of a request that counts another list by fetching one row. @returns {Search} */
export const countOf = (/** @type {View} */ view, /** @type {Tab} */ tab) =>
  ({ tab, ...filters({ ...view, state: "", refusal: "" }), text: view.text || null, limit: 1 });

function filters(/** @type {Named} */ view) {
  const [since, until] = span(view.received);
  return {
    source: view.source || null, state: /** @type {NonNullable<Search["state"]> | null} */ (view.state || null), view: view.position || null, flag: view.flag ? view.flag === "yes" : null,
    assigned: view.assigned || null, disagreement: view.disagree === "yes", refusal: view.refusal || null, since, until, ...sorted(view.sort),
  };
}

/** @returns {{ order: NonNullable<Search["order"]>, reverse: boolean }} */
function sorted(/** @type {string} */ sort) {
  const order = /** @type {NonNullable<Search["order"]>} */ (sort.replace("-", "") || "list");
  return { order, reverse: sort.startsWith("-") };
}

/** Return the start and the end of a range of local days. @returns {[string | null, string | null]} */
function span(/** @type {string} */ received) {
  if (!received) return [null, null];
  if (!received.includes("..")) return [beginning(new Date(), { today: 0, "7d": -6, "30d": -29 }[received] ?? 0), null];
  const [from, to] = received.split("..");
  return [beginning(from), beginning(to, 1)];
}

/** Return the content of a saved view. @returns {Wanted} */
export function wantedOf(/** @type {View} */ view) {
  const { source, state, view: position, flag, assigned, disagreement, order, reverse } = filters(view);
  return { tab: view.tab, source, state, view: position, flag, assigned, disagreement, order, reverse, received: view.received || null };
}

/** Return the view that a saved view describes. @returns {Partial<View>} */
export function shownBy(/** @type {Wanted} */ wanted) {
  const { tab = "to_read", order = "list", reverse = false, flag = null } = wanted;
  return {
    ...everything(), tab: TABS.find((one) => one === tab) ?? "to_read", source: wanted.source ?? "", state: wanted.state ?? "", position: wanted.view ?? "",
    flag: flag === null ? "" : flag ? "yes" : "no", assigned: wanted.assigned ?? "", disagree: wanted.disagreement ? "yes" : "", received: wanted.received ?? "",
    sort: order === "list" && !reverse ? "" : `${reverse ? "-" : ""}${order}`,
  };
}
