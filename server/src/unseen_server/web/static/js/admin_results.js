// @ts-check
// Administration, outgoing results: their number by destination, failures, and the longest wait.
import { $, api, el, serverTime, span } from "./api.js";
import { fill } from "./admin_parts.js";
import { date } from "./dates.js";
import { failed, toast } from "./toasts.js";

/** @typedef {Page.Returned<"GET /results">} Results */
const STATES = /** @type {const} */ ([["waiting", "to be sent"], ["sent", "accepted, waiting for confirmation"], ["kept", "kept"], ["dead", "could not be sent"], ["superseded", "superseded"]]);
const WORDS = Object.fromEntries(STATES);
const ACTIONS = { clear: "cleared", read: "to be read", not_scored: "not scored" };

export async function showResults() {
  draw(await api("/results"));
}

function draw(/** @type {Results} */ { destinations, dead, longest }) {
  $("#results-none").hidden = destinations.length > 0;
  $("#results-some").hidden = destinations.length === 0;
  fill($("#destination-rows"), destinations.map(({ name, sources, configured, counts }) =>
    el("tr", { dataset: { destination: name } }, el("th", { scope: "row" }, name),
      el("td", {}, !configured ? "no destination any more" : sources.length ? sources.join(", ") : "all"),
      ...STATES.map(([state]) => el("td", { class: "n" }, counts[state])))));
  $("#dead-none").hidden = dead.length > 0;
  $("#dead").hidden = !dead.length;
  fill($("#dead-rows"), dead.map((one) =>
    el("tr", { dataset: { result: one.number } }, ...study(one), el("td", { class: "n" }, one.tries), el("td", { class: "details" }, one.reason), el("td", {}, date(one.made)),
      el("td", {}, el("button", { type: "button", "aria-label": `Send the result of ${one.study} to ${one.destination} again`, onclick: () => again(one.number) }, "Send again")))));
  $("#longest-none").hidden = longest.length > 0;
  $("#longest").hidden = !longest.length;
  fill($("#longest-rows"), longest.map((one) =>
    el("tr", {}, ...study(one), el("td", {}, WORDS[one.state]), el("td", {}, span((serverTime() - Date.parse(one.made)) / 1000)), el("td", { class: "details" }, one.reason))));
}

/** Return the first cells of a row, which both tables share. */
const study = (/** @type {Results["dead"][number]} */ one) => [
  el("th", { scope: "row" }, el("a", { href: `/studies/${one.study}` }, one.study)), el("td", {}, ACTIONS[one.action]), el("td", {}, one.destination)];

async function again(/** @type {number} */ number) {
  try {
    draw(await api(`/results/${number}/again`, { method: "POST" }));
    toast("The result is sent again.");
    $("#tab-results").focus(); // the button that had the focus was removed
  } catch (error) {
    failed(error);
  }
}
