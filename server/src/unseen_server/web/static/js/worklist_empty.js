// @ts-check
// Text of an empty list: the reason, and a remedy.
import { el } from "./api.js";
import { whole } from "./worklist_counts.js";
import { TABS, filtersOn } from "./worklist_view.js";

/** @typedef {import("./worklist_view.js").Tab} Tab  @typedef {import("./worklist_view.js").View} View */

/** @type {Record<Tab, string>} */
const NAMES = { to_read: "To read", cleared: "Cleared", reported: "Reported", not_scored: "Not scored" };

/**
 * Fill `place` with a message for a view without rows.
 * @param {Element} place
 * @param {{ view: View, counts: import("./worklist_counts.js").Known, goTo: (to: { tab: Tab }) => void, unfiltered: () => void }} page
 */
export function emptied(place, { view, counts, goTo, unfiltered }) {
  const everything = /** @type {Tab[]} */ (["to_read", "cleared", "reported"]).reduce((sum, tab) => sum + (counts[tab]?.total ?? 0), 0);
  const isCounted = /** @type {Tab[]} */ (["to_read", "cleared", "reported"]).every((tab) => counts[tab] !== undefined);
  const response = filtersOn(view) ? filtered(view) : !isCounted ? [el("h2", {}, "Nothing in this list")] : everything === 0 ? nothing() : done(view);
  const elsewhere = TABS.filter((tab) => tab !== view.tab && counts[tab]?.total);
  place.replaceChildren(
    ...response,
    el(
      "p",
      { class: "empty-ways" },
      filtersOn(view) > 0 && el("button", { type: "button", onclick: unfiltered }, "Show everything"),
      elsewhere.map((tab) => el("button", { type: "button", onclick: () => goTo({ tab }) }, `${NAMES[tab]}: ${whole(counts[tab]?.total ?? 0)}${counts[tab]?.more ? "+" : ""}`)),
    ),
  );
}

/**
 * Fill `place` with the reason why there are no rows: the server did not answer.
 * @param {Element} place
 * @param {{ sentence: string, again: () => void }} why
 */
export function unfetched(place, { sentence, again }) {
  place.replaceChildren(
    el("h2", {}, "This list could not be fetched"),
    el("p", { role: "alert" }, `${sentence} The page tries again every few seconds.`),
    el("p", { class: "empty-ways" }, el("button", { type: "button", onclick: again }, "Try again")),
  );
}

function filtered(/** @type {View} */ view) {
  const from = view.source ? ` from ${view.source}` : "";
  if (!view.text) return [el("h2", {}, filtersOn(view) > (view.source ? 1 : 0) ? `Nothing${from} in this list passes the filters` : `Nothing${from} in this list`)];
  return [
    el("h2", {}, `No study${from} in this list is called that`),
    el("p", {}, "The search wants the whole accession number, patient, StudyInstanceUID, file name, film or study, written exactly. Where numbers are stored as they are, the beginning of an accession or patient number is enough; of a pseudonym, its first eight characters. A film is known by what it says only once a worker has read it."),
    ...(filtersOn(view) > 1 ? [el("p", {}, "Filters are on, too.")] : []),
  ];
}

function nothing() {
  return [
    el("h2", {}, "No films yet"),
    el("p", {}, "Drop DICOM files or images on ", el("a", { href: "/live" }, "Live"), ", or have a folder watched:"),
    el("p", {}, el("code", {}, "unseen serve --folder worklist --watch incoming --model models/pca")),
    el("p", {}, "They appear here by themselves, most unusual first."),
  ];
}

function done(/** @type {View} */ view) {
  const [heading, words] = {
    to_read: ["Nothing is left to read", "New studies appear here by themselves."],
    cleared: ["Nothing is cleared", "Only a policy that was calibrated for this site clears studies; see Models. Whatever it clears stays here and may be read."],
    reported: ["Nothing is reported yet", "Open a study, or select one and press N, A or U."],
    not_scored: ["No study waits here", "What cannot be scored stands here and on top of To read, with the reason."],
  }[view.tab];
  return [el("h2", {}, heading), el("p", {}, words)];
}
