// @ts-check
// Studies that were cleared among the films that raised a drift alarm, and their reopening by two people.
import { api, el } from "./api.js";
import { date } from "./dates.js";
import { agree } from "./models_agree.js";
import { numberOf } from "./numbers.js";
import { failed, toast } from "./toasts.js";

/** @typedef {Page.Returned<"GET /reopenings">["alarms"][number]} Raised */

/** Alarms whose studies are listed, kept because the page is drawn again every few seconds. @type {Set<number>} */
const listed = new Set();

/** Return cards of the ended alarms that still have cleared studies. @param {Raised[]} alarms  @param {() => void} changed */
export function earlierAlarms(alarms, changed) {
  return alarms.filter((one) => one.ended !== null && one.cleared.length > 0).map((one) =>
    el("section", { class: "card alarm", "aria-label": `Earlier alarm ${one.number}` },
      el("div", { class: "row" }, el("h2", {}, "Cleared before an earlier alarm"), el("span", { class: "soft" }, `raised ${date(one.raised)}, ended ${date(one.ended ?? one.raised)}`)),
      el("p", {}, `${one.reason[0].toUpperCase()}${one.reason.slice(1)}.`),
      ...reopening(one, changed)));
}

/** Return the part of an alarm's card that shows its studies. @param {Raised} one  @param {() => void} changed */
export function reopening(one, changed) {
  const words = one.recorded ? "" : " An earlier release has counted some of the films, and did not record which: look through the list of cleared studies, too.";
  if (one.reopened_by !== null && one.reopened !== null) {
    return [el("p", {}, `${numberOf(one.reopened_studies, "study")} that ${one.reopened_studies === 1 ? "was" : "were"} cleared among its films went back to the list on ${date(one.reopened)}: proposed by ${one.proposed_by}, confirmed by ${one.reopened_by}.${words}`)];
  }
  if (one.cleared.length === 0) {
    return [el("p", { class: "soft" }, `Of the ${numberOf(one.studies, "study")} whose films raised it, none is cleared and unread.${words}`)];
  }
  const first = one.proposed_by === null;
  const studies = el("details", { open: listed.has(one.number), ontoggle: () => { if (studies.open) listed.add(one.number); else listed.delete(one.number); } },
    el("summary", {}, `Show ${one.cleared.length === 1 ? "it" : "them"}`),
    el("ul", { class: "studies" }, ...one.cleared.map((study) => el("li", {}, el("a", { href: `/studies/${study}`, target: "_blank", rel: "noopener" }, study)))));
  return [
    el("p", {}, el("b", {}, `${numberOf(one.cleared.length, "study")} cleared and unread`), ` among the ${numberOf(one.studies, "study")} whose films raised it.${words}`),
    studies,
    first ? null : el("p", {}, el("b", {}, one.proposed_by ?? ""), ` has proposed on ${date(one.proposed ?? one.raised)} that they go back to the list. A second person must confirm it.`),
    one.proposed_note ? el("blockquote", {}, one.proposed_note) : null,
    el("div", { class: "row" },
      el("button", { type: "button", disabled: one.mine, onclick: () => act(one).then(changed) }, first ? "Propose to reopen them" : "Reopen them"),
      first ? null : el("button", { type: "button", class: "quiet", onclick: () => api(`/reopenings/${one.number}/withdraw`, { method: "POST" }).catch(failed).then(changed) }, "Withdraw the proposal"),
      one.mine ? el("span", { class: "soft" }, "You have proposed it. Somebody else has to confirm it.") : null),
  ];
}

async function act(/** @type {Raised} */ one) {
  const last = one.proposed_by !== null;
  const said = await agree({
    title: last ? "Reopen these studies?" : "Propose to reopen these studies",
    words: last ? "" : "Nothing changes yet: they are reopened when a second person confirms it.",
    summary: one.summary, note: "What you have looked at, and why they are to be read", action: last ? "Reopen" : "Propose",
  });
  if (said === null || !one.summary) return;
  const body = { note: said.note, summary: one.summary.digest };
  try {
    if (last) {
      const { studies } = await api(`/reopenings/${one.number}/confirm`, { body });
      toast(`${numberOf(studies, "study")} went back to the list.`);
    } else {
      await api(`/reopenings/${one.number}/propose`, { body });
      toast("Proposed. Nothing changes until a second person has confirmed it.");
    }
  } catch (error) {
    failed(error);
  }
}
