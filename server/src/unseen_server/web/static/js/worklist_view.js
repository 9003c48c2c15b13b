// @ts-check
// Address of the list: tab, filters, order and page as a URL.
// All of it stands in the address, but for what was searched for.

/** @typedef {"to_read" | "cleared" | "reported" | "not_scored"} Tab  @typedef {Page.Sent<"POST /studies/search">} Search  @typedef {Page.Sent<"PUT /views">["wanted"]} Wanted */
/**
 * `flag` and `disagree` are "yes", "no" or ""; `received` is "today", "7d", "30d" or "2026-11-01..2026-11-25", in the reader's time zone;
 * `assigned` is "@me", "@nobody" or a name; `sort` an order, with "-" before it where it is the other way round.
 * @typedef {{ source: string, state: string, position: string, flag: string, received: string, assigned: string, disagree: string, refusal: string, sort: string }} Named
 * @typedef {Named & { tab: Tab, text: string, after: string | null, before: string | null, last: boolean, offset: number | null }} View
 */

/** @type {Tab[]} */
export const TABS = ["to_read", "cleared", "reported", "not_scored"];
export const ROWS = 50;
const FIRST = { after: null, before: null, last: false, offset: 0 };
/** How an address calls what is not empty, and what it may be. @type {Record<keyof Named, [name: string, allowed: RegExp]>} */
const NAMED = {
  source: ["source", /^.{1,200}$/], state: ["state", /^[a-z_]{1,30}$/], position: ["view", /^.{1,16}$/], flag: ["flag", /^(yes|no)$/],
  received: ["received", /^(today|7d|30d|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)$/], assigned: ["for", /^[@\w][\w.@-]{0,63}$/],
  disagree: ["disagree", /^yes$/], refusal: ["refusal", /^.{1,200}$/], sort: ["sort", /^-?(list|received|score|source)$/],
};
const KEYS = /** @type {(keyof Named)[]} */ (Object.keys(NAMED));
/** What narrows a list. @type {(keyof View)[]} */
const FILTERS = [...KEYS.filter((key) => key !== "sort"), "text"];
/** What a reader who opens a study goes on with. */
const READ_ON = KEYS.filter((key) => key !== "state" && key !== "refusal");
/** The states of each list. @type {Record<Tab, string[]>} */
export const STATES = { to_read: ["received", "scored", "to_read", "not_scored", "in_reading"], cleared: [], reported: ["reported", "reported_elsewhere", "set_aside"], not_scored: [] };

/** @returns {Named} */
const named = (/** @type {URLSearchParams} */ asked) =>
  /** @type {Named} */ (Object.fromEntries(KEYS.map((key) => [key, NAMED[key][1].test(asked.get(NAMED[key][0]) ?? "") ? asked.get(NAMED[key][0]) : ""])));

/** The view that an address asks for. */
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

/** Change the view; a change of anything but the page begins at the first one. Returns whether a filter has changed. */
export function change(/** @type {View} */ view, /** @type {Partial<View>} */ changes) {
  if (changes.tab !== undefined && changes.tab !== view.tab) changes = { refusal: "", state: "", ...changes };
  const filtered = FILTERS.some((name) => name in changes && changes[name] !== view[name]);
  Object.assign(view, FIRST, changes);
  return filtered;
}

/** Nothing filtered or sorted. @returns {Partial<View>} */
export const everything = () => Object.fromEntries([...KEYS, "text"].map((key) => [key, ""]));

/** How many filters are on, the search among them. */
export const filtersOn = (/** @type {View} */ view) => FILTERS.filter((name) => view[name]).length;

/** The address of a view; never what was searched for. */
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

/** What the address of a study keeps of a list, so that its reader goes on in the same one. */
export const readOn = (/** @type {Named} */ view) => query(view, READ_ON);

/** The same from the address of a study, and what is asked of the server for it. */
export function listOf(/** @type {string} */ search) {
  const view = named(new URLSearchParams(search));
  return { address: query(view, READ_ON), body: filters({ ...view, state: "", refusal: "" }) };
}

/** What is asked of the server for a view. @returns {Search} */
export function bodyOf(/** @type {View} */ view) {
  const { tab, text, after, before, last } = view;
  const grouped = filtersOn(view) === 0 && view.sort === "";
  return { tab, ...filters(view), text: text || null, grouped, after, before, last, limit: ROWS };
}

/** The same for the first row of another list, to count its rows. @returns {Search} */
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

/** From when, and until when, in the reader's days. @returns {[string | null, string | null]} */
function span(/** @type {string} */ received) {
  if (!received) return [null, null];
  const midnight = (/** @type {Date} */ day, later = 0) => new Date(day.getFullYear(), day.getMonth(), day.getDate() + later).toISOString();
  if (!received.includes("..")) return [midnight(new Date(), { today: 0, "7d": -6, "30d": -29 }[received] ?? 0), null];
  const [from, to] = received.split("..").map((day) => new Date(`${day}T00:00`));
  return [Number.isNaN(from.getTime()) ? null : midnight(from), Number.isNaN(to.getTime()) ? null : midnight(to, 1)];
}

/** What a saved view keeps of a view. @returns {Wanted} */
export function wantedOf(/** @type {View} */ view) {
  const { source, state, view: position, flag, assigned, disagreement, order, reverse } = filters(view);
  return { tab: view.tab, source, state, view: position, flag, assigned, disagreement, order, reverse, received: view.received || null };
}

/** What a saved view shows. @returns {Partial<View>} */
export function shownBy(/** @type {Wanted} */ wanted) {
  const { tab = "to_read", order = "list", reverse = false, flag = null } = wanted;
  return {
    ...everything(), tab: TABS.find((one) => one === tab) ?? "to_read", source: wanted.source ?? "", state: wanted.state ?? "", position: wanted.view ?? "",
    flag: flag === null ? "" : flag ? "yes" : "no", assigned: wanted.assigned ?? "", disagree: wanted.disagreement ? "yes" : "", received: wanted.received ?? "",
    sort: order === "list" && !reverse ? "" : `${reverse ? "-" : ""}${order}`,
  };
}
