// @ts-check
// The worklist: fetches its pages, again after each change; selects a study; handles all keys of the page, [ and ] included.
import { $, api, closest, isAbort, sentenceIn, serverTime, statusOf, typing } from "./api.js";
import { session } from "./browser_storage.js";
import { onNews } from "./events.js";
import { numberOf } from "./numbers.js";
import { Acts } from "./worklist_acts.js";
import { Chosen } from "./worklist_chosen.js";
import { Counts, whole } from "./worklist_counts.js";
import { density } from "./worklist_density.js";
import { emptied, unfetched } from "./worklist_empty.js";
import { Filters } from "./worklist_filters.js";
import { tell, watchConnection, watchServer } from "./worklist_notices.js";
import { comparedWith, percent } from "./percent_words.js";
import { AGAIN_MS, mayComeBack } from "./repeated.js";
import { LIST_GUARD_MS, ReportKeys } from "./report_guard.js";
import { Rows } from "./worklist_rows.js";
import { SavedViews } from "./worklist_saved.js";
import { searching } from "./worklist_search.js";
import { Selected } from "./worklist_selected.js";
import { Sorting } from "./worklist_sorting.js";
import { Tabs } from "./worklist_tabs.js";
import { Urgent } from "./worklist_urgent.js";
import { ROWS, SELECTED, SHOWN, addressOf, bodyOf, change, everything, readOn, viewOf } from "./worklist_view.js";
import { failed, toast } from "./toasts.js";

const APART_MS = 1000; // shortest time between two reloads
/** @typedef {import("./worklist_view.js").Tab} Tab  @typedef {import("./worklist_view.js").View} View  @typedef {Page.Returned<"POST /studies/search">} Listed */

/** @type {Partial<Record<Tab, [string, string]>>} */
const HEADINGS = { cleared: ["Decision", "Cleared"], reported: ["Report", "Reported"] };

const { account: me = "", role } = document.body.dataset;
const blind = document.body.dataset.blind === "yes";
const isLead = role !== "reader";
const view = viewOf(location.search);
let page = /** @type {Listed | null} */ (null);
let selected = session.get(SELECTED);
let wanted = /** @type {string | null} */ (null); // study that is selected as soon as it is in the list
let began = /** @type {number | null} */ (null); // studies received later are marked as new
const seen = new Set();
let leaving = false; // a study is being opened: reloading the list would cancel this

const rows = new Rows({ me, isLead, blind, list: () => readOn(view), now: serverTime });
const counts = new Counts(view, () => { if (page && !page.rows.length) show(page, false); });
const panel = new Selected({ me, isLead, blind });
const listed = { view, me, isLead, goTo: (/** @type {Partial<View>} */ changes) => goTo(changes) };
const [tabs, filters, sorting, saved] = [new Tabs(listed), new Filters(listed), new Sorting(listed), new SavedViews(listed)];
const chosen = new Chosen({ me, isLead, order: () => rows.order, element: (study) => rows.element(study), changed: () => soon() });
const urgent = new Urgent({ now: serverTime, show: () => goTo({ ...everything(), tab: "to_read", flag: "yes", sort: "-received" }) });
const acts = new Acts({
  me,
  busy: (study, is) => rows.busy(study, is),
  changed: () => soon(),
  reported: (study) => { if (view.tab !== "reported") left(study); soon(); },
  back: (study) => {
    if (view.tab === "reported") left(study);
    else wanted = study;
    soon();
  },
});

// Pages ---------------------------------------------------------------------------------------------------------------

let asking = /** @type {AbortController | null} */ (null);
let owed = false; // true if a reload with `fresh` was replaced by a later one

/** Fetch the current page and show it. `fresh`: true for another tab, filter or page, whose rows start again. */
/** @returns {Promise<boolean>} */
async function look({ fresh = false } = {}) {
  asking?.abort();
  owed ||= fresh;
  const mine = (asking = new AbortController());
  const { after, before } = view;
  /** @type {Listed} */
  let response;
  try {
    response = await api("/studies/search", { body: bodyOf(view), signal: mine.signal });
  } catch (error) {
    if (isAbort(error)) return false;
    if (statusOf(error) === 422 && (after || before)) { goTo({}); return false; } // the cursor belongs to another order
    if (owed) cleared(error);
    else if (statusOf(error) >= 400) failed(error);
    if (mayComeBack(error)) {
      looked = Date.now() + AGAIN_MS - APART_MS;
      soon();
    }
    return false;
  } finally {
    if (asking === mine) asking = null;
  }
  if (response.blind !== blind && !leaving) location.reload(); // a policy now clears studies, so the columns change
  if (!response.rows.length && (after || before)) { // all rows of this page were reported meanwhile
    change(view, { last: !!after, offset: after ? null : 0 });
    return look({ fresh });
  }
  page = response;
  show(page, owed);
  owed = false;
  return true;
}

function show(/** @type {Listed} */ page, /** @type {boolean} */ fresh) {
  counts.know(view.tab, page);
  filters.seen(page.rows);
  const before = page.total - page.rows.length;
  if (page.previous === null) view.offset = 0;
  else if (page.next === null && !page.more) view.offset = before;
  else if (view.offset === 0 || (!page.more && view.offset !== null && view.offset >= before)) view.offset = null; // rows came or went before this page
  const first = began === null;
  const since = (began ??= serverTime());
  const news = page.rows.filter((entry) => !first && !seen.has(entry.study) && Date.parse(entry.received) > since - 2000);
  for (const entry of page.rows) seen.add(entry.study);
  rows.show(page.rows, { offset: view.offset, isNew: (entry) => news.includes(entry) });
  const groups = view.offset === 0 ? page.groups : [];
  rows.showGroups(groups, (refusal) => goTo({ refusal }));
  if (news.length && !fresh) tell(numberOf(news.length, "new study"));
  $("#skeleton").hidden = true;
  $("#grid").hidden = page.rows.length === 0 && groups.length === 0;
  $("#refusals").hidden = view.refusal === "";
  $("#refusals-words").textContent = `Not scored: ${view.refusal}`;
  $("#grid").setAttribute("aria-busy", "false");
  $("#grid").setAttribute("aria-rowcount", page.more ? "-1" : String(page.total + 1));
  const [says, time] = HEADINGS[view.tab] ?? ["What to do", "Waiting"];
  $("#says").textContent = says;
  $("#time").textContent = time;
  if (!blind) heading(page);
  $("#compared").textContent = comparedWith(page.reference);
  $("#fit").hidden = !isLead || !page.reference || page.reference.of_site;
  $("#empty").hidden = page.rows.length + groups.length > 0;
  if (page.rows.length + groups.length === 0) emptied($("#empty"), { view, counts: counts.known, goTo, unfiltered });
  const { offset } = view;
  const all = `${page.more ? "at least " : ""}${whole(Math.max(page.total, (offset ?? 0) + page.rows.length))}`;
  $("#range").textContent = !page.rows.length ? "" : offset === null ? `${page.rows.length} of ${all}` : `${whole(offset + 1)}–${whole(offset + page.rows.length)} of ${all}`;
  $("#previous").disabled = page.previous === null;
  $("#next").disabled = page.next === null;
  if (wanted !== null && rows.entry(wanted)) select(wanted, { focus: true });
  else if (fresh && !rows.entry(selected)) select(rows.order[0] ?? null);
  else if (selected !== null && !rows.entry(selected)) gone();
  else select(selected, first ? { focus: true } : { scroll: false });
  chosen.show();
}

/** Remove the rows, which are of another list, filter or page than the one that could not be fetched. */
function cleared(/** @type {unknown} */ error) {
  page = null;
  rows.show([], { offset: null, isNew: () => false });
  panel.show(null, "", "");
  chosen.show();
  for (const id of /** @type {const} */ (["#skeleton", "#grid"])) $(id).hidden = true;
  for (const id of /** @type {const} */ (["#previous", "#next"])) $(id).disabled = true;
  $("#grid").setAttribute("aria-busy", "false");
  $("#range").textContent = "";
  unfetched($("#empty"), { sentence: sentenceIn(error), again: () => { look({ fresh: true }); } });
  $("#empty").hidden = false;
}

/** Show the prevalence that was entered in the head of the score column, if a row shows a probability. */
function heading(/** @type {Listed} */ { rows: entries, prevalence }) {
  const likely = entries.some((entry) => entry.probability !== null);
  $("#at-prevalence").textContent = likely && prevalence !== null ? `probability at prevalence ${percent(prevalence).replace(" ", "\u00a0")}` : "";
}

let movedUp = { study: /** @type {string | null} */ (null), at: -Infinity }; // row that has taken the place of a reported one

/** Remove a study after this reader's own action, and select the next one, which is not reported at once. */
function left(/** @type {string} */ study) {
  const at = rows.order.indexOf(study);
  rows.remove(study);
  if (study !== selected) return;
  select(rows.order[Math.min(at, rows.order.length - 1)] ?? null, { focus: true });
  movedUp = { study: selected, at: performance.now() };
}

/** Clear the selection after another person's action; otherwise a key might report another study. */
function gone() {
  tell("The selected study has left this list.");
  select(null);
}

let due = /** @type {ReturnType<typeof setTimeout> | null} */ (null);
let looked = 0;

/** Schedule a reload, at most one a second and only while the page is visible. */
function soon() {
  if (due !== null || document.hidden) return;
  due = setTimeout(async () => {
    due = null;
    looked = Date.now();
    if (await look()) counts.others();
  }, Math.max(0, looked + APART_MS - Date.now()));
}

// View ----------------------------------------------------------------------------------------------------------------

function goTo(/** @type {Partial<View>} */ changes) {
  wanted = null;
  const [turned, filtered] = ["after" in changes || "before" in changes, change(view, changes)];
  if (filtered) counts.forget();
  if (!turned && chosen.count) chosen.clear(); // the choice belongs to another list
  history.replaceState(null, "", addressOf(view));
  for (const part of [tabs, filters, sorting, saved]) part.show();
  $(".list-scroll").scrollTop = 0;
  $("#grid").setAttribute("aria-busy", "true"); // until the rows of this list are there
  return look({ fresh: true }).then((done) => { if (done) counts.others({ now: filtered }); return done; });
}

function unfiltered() {
  $("#text").value = "";
  goTo(everything());
}

function turn(/** @type {boolean} */ forwards) {
  const cursor = forwards ? page?.next : page?.previous;
  if (!page || !cursor) return;
  const offset = view.offset === null ? null : Math.max(0, view.offset + (forwards ? page.rows.length : -ROWS));
  selected = null;
  goTo(forwards ? { after: cursor, offset } : { before: cursor, offset });
}

// Selected study ------------------------------------------------------------------------------------------------------

function select(/** @type {string | null} */ study, { focus = false, scroll = true } = {}) {
  if (study !== null && study === wanted) wanted = null;
  selected = study;
  if (study === null) session.remove(SELECTED);
  else session.set(SELECTED, study);
  rows.select(study);
  const row = study === null ? null : rows.element(study);
  if (scroll) row?.scrollIntoView({ block: "nearest" });
  if (focus) row?.focus({ preventScroll: true });
  const entry = study === null ? null : rows.entry(study);
  panel.show(entry, entry?.words ?? "", row?.querySelector("a")?.getAttribute("href") ?? "");
}

function step(/** @type {number} */ by) {
  const { order } = rows;
  if (!order.length) return;
  const at = selected === null ? -1 : order.indexOf(selected);
  const to = at < 0 ? (by > 0 ? 0 : order.length - 1) : Math.min(order.length - 1, Math.max(0, at + by));
  select(order[to], { focus: true });
}

function open() {
  if (changes()) return;
  const href = selected !== null && rows.element(selected)?.querySelector("a")?.getAttribute("href");
  if (href) location.assign(href);
}

/** Report true while the rows are still those of the list before. */
const changes = () => $("#grid").getAttribute("aria-busy") === "true";

function act(/** @type {string} */ name) {
  if (name === "undo-last") return acts.undo();
  if (changes()) return undefined;
  if (selected === null || !rows.entry(selected)) return toast("No study is selected. ↑ and ↓ select one.");
  if (name === "undo") return acts.undo(selected);
  if (name === "release" || name === "requeue") return acts[name](selected);
  if (selected === movedUp.study && performance.now() - movedUp.at < LIST_GUARD_MS) return undefined; // the press was for the row before
  if (rows.entry(selected)?.acts.includes("claim") && !rows.entry(selected)?.seen) return open(); // only a displayed study can be reported
  return acts.report(selected, /** @type {"normal" | "abnormal" | "unsure"} */ (name));
}

const reportKeys = new ReportKeys();

/** Handle a report key; repeats of a held key are ignored. */
const report = (/** @type {string} */ outcome, /** @type {KeyboardEvent} */ event) => (reportKeys.press(event) ? act(outcome) : undefined);

// Keys and mouse ------------------------------------------------------------------------------------------------------

/** @type {Record<string, (event: KeyboardEvent) => unknown>} */
const KEYS = {
  ArrowDown: (event) => extend(event, 1), ArrowUp: (event) => extend(event, -1), j: () => step(1), k: () => step(-1), Home: () => step(-ROWS), End: () => step(ROWS),
  ArrowLeft: () => turn(false), ArrowRight: () => turn(true), "[": () => tabs.cycle(-1), "]": () => tabs.cycle(1),
  Enter: open, n: (event) => report("normal", event), a: (event) => report("abnormal", event), u: (event) => report("unsure", event), z: () => act("undo-last"),
  x: (event) => (event.shiftKey ? chosen.extend(selected) : chosen.toggle(selected)), Escape: () => chosen.clear(),
  f: () => filters.toggle(), "/": () => $("#text").select(), "?": () => $("#keys").showModal(),
};
const REPEATED = ["ArrowDown", "ArrowUp", "j", "k"]; // other keys act once, so that a held key cannot report the whole list

/** Move the selection; with the shift key, choose all rows on the way. */
function extend(/** @type {KeyboardEvent} */ event, /** @type {number} */ by) {
  if (event.shiftKey && isLead && chosen.count === 0) chosen.toggle(selected);
  step(by);
  if (event.shiftKey) chosen.extend(selected);
}

document.addEventListener("keydown", (event) => {
  if (typing(event) || event.defaultPrevented) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!(key in KEYS) || (event.repeat && !REPEATED.includes(key))) return;
  if (key === "Enter" && closest(event, "button, a")) return;
  if (key.startsWith("Arrow") && closest(event, "[role=tab]")) return;
  event.preventDefault();
  KEYS[key](event);
});

$("#rows").addEventListener("click", (event) => {
  const study = closest(event, "tr")?.dataset.study;
  if (study && !closest(event, "a")) select(study, { focus: true });
  else if (study) select(study, { scroll: false }); // the study is selected when the user comes back
});
$("#rows").addEventListener("dblclick", (event) => { if (closest(event, "tr")) open(); });
$("#rows").addEventListener("focusin", (event) => {
  const study = closest(event, "tr")?.dataset.study;
  if (study && study !== selected) select(study, { scroll: false });
});
$("#selected").addEventListener("click", (event) => {
  const name = closest(event, "[data-act]")?.dataset.act;
  if (name) act(name);
});
searching({ view, goTo, found: () => !!page?.rows.length, leave: () => { if (selected) rows.element(selected)?.focus(); else $("#text").blur(); } });
$("#previous").addEventListener("click", () => turn(false));
$("#next").addEventListener("click", () => turn(true));
$("#refusals-close").addEventListener("click", () => goTo({ refusal: "" }));
$("#keys-open").addEventListener("click", () => $("#keys").showModal());
document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
addEventListener("pagehide", () => session.set(SHOWN, addressOf(view)));
addEventListener("beforeunload", () => { leaving = true; setTimeout(() => { leaving = false; }, 10_000); }); // the user may cancel leaving

const offer = () => api("/studies/choices").then((choices) => { filters.offer(choices); chosen.offer(choices.readers); });

density();
const { after, before, last, offset } = view; // from the address
goTo({ after, before, last, offset }).then((done) => { if (done) looked = Date.now(); });
offer().catch(failed);
onNews(() => { soon(); urgent.soon(); });
watchConnection(() => { soon(); offer().catch(() => {}); });
watchServer(isLead);
