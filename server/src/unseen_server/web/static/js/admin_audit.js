// @ts-check
// Administration, audit trail: its verification, and a search by person, action, time and study.
import { $, api, el } from "./api.js";
import { ACTIONS } from "./admin_audit_words.js";
import { fill } from "./admin_parts.js";
import { beginning, date } from "./dates.js";
import { numberOf } from "./numbers.js";
import { failed, toast } from "./toasts.js";

/** @typedef {Page.Returned<"POST /audit/search">["events"][number]} Event */

const STATES = ["from", "to", "was"];
const GONE = ["study.erased", "study.retired"];
let ready = false;
let searches = 0;

export async function showAudit() {
  if (!ready) {
    ready = true;
    const named = Object.entries(ACTIONS).sort(([, a], [, b]) => a.localeCompare(b));
    $("#audit-action").append(...named.map(([action, words]) => el("option", { value: action }, words)));
  }
  const [{ accounts }, last] = await Promise.all([api("/accounts"), api("/audit/search", { body: { action: "audit.verified", limit: 1 } })]);
  $("#audit-actors").replaceChildren(...accounts.map(({ name }) => el("option", { value: name })));
  const [event] = last.events;
  if (event && !$("#verified").childElementCount) {
    const whole = event.body.whole === true;
    $("#verified").replaceChildren(el("p", {}, el("span", { class: `chip ${whole ? "good" : "bad"}` }, whole ? "was whole" : "was not whole"), ` Last verified on ${date(event.time)} by ${event.actor}.`));
  }
  await search();
}

/** Fetch the rows that match the fields. */
function search() {
  const [since, until] = [beginning($("#audit-since").value), beginning($("#audit-until").value, 1)];
  return show({ actor: $("#audit-actor").value, action: $("#audit-action").value, study: $("#audit-study").value, since, until }, null);
}

/**
 * Fetch and show rows of a search, unless another one begins before the answer.
 * @param {Page.Sent<"POST /audit/search">} sought
 * @param {number | null} before  only rows before this number, below those that are shown
 */
async function show(sought, before) {
  const mine = ++searches;
  const found = await api("/audit/search", { body: { ...sought, before } });
  if (mine !== searches) return;
  fill($("#audit-rows"), found.events.map(row), { add: before !== null });
  $("#audit-none").hidden = $("#audit-rows").childElementCount > 0;
  const more = $("#audit-more");
  more.hidden = found.before === null;
  more.onclick = () => { show(sought, found.before).catch(failed); }; // of the search that is shown, whatever the fields are by now
}

function row(/** @type {Event} */ { seq, time, actor, action, subject, body }) {
  return el("tr", { dataset: { action } },
    el("td", { title: `row ${seq}` }, date(time)), el("td", {}, actor), el("td", {}, ACTIONS[action] ?? action),
    el("td", {}, subject.startsWith("s-") && !GONE.includes(action) ? el("a", { href: `/studies/${subject}` }, subject) : action === "setting.changed" ? plain(subject) : short(subject)),
    el("td", { class: "details" }, Object.entries(body).filter(([, value]) => value !== null && value !== "").map(([name, value]) => `${plain(name)}: ${said(name, value)}`).join(" · ")));
}

const plain = (/** @type {string} */ text) => text.replaceAll("_", " ");

/** Return a value as text: numbers with four digits, digests shortened, states in words. */
function said(/** @type {string} */ name, /** @type {Event["body"][string]} */ value) {
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  return STATES.includes(name) ? plain(String(value)) : short(String(value));
}

/** Return a digest shortened to its first 12 digits. */
const short = (/** @type {string} */ text) => (/^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text);

$("#audit-search").addEventListener("submit", (event) => {
  event.preventDefault();
  search().catch(failed);
});

$("#verify").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ ($("#verify button"));
  button.disabled = true;
  try {
    const { whole, problem, head } = await api("/audit/verify", { body: { head: $("#verify-head").value.trim() || null } });
    $("#verified").replaceChildren(
      el("p", {}, el("span", { class: `chip ${whole ? "good" : "bad"}` }, whole ? "whole" : "not whole"), ` Verified on ${date(Date.now())}: ${whole ? `${numberOf(head.seq, "row")}, each follows from the one before.` : problem}`),
      el("p", { class: "small" }, "Head: ", el("span", { class: "head" }, head.head), " ", el("button", { type: "button", class: "quiet", onclick: () => copy(head.head) }, "Copy")));
    await search();
  } catch (error) {
    failed(error);
  } finally {
    button.disabled = false;
  }
});

function copy(/** @type {string} */ text) {
  navigator.clipboard.writeText(text).then(() => toast("Copied."), () => toast("The browser does not allow copying here."));
}
