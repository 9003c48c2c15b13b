// @ts-check
// Administration, accounts: add, change, disable, and the ways to sign in.
import { $, api, el, sentenceIn } from "./api.js";
import { fill } from "./admin_parts.js";
import { date } from "./dates.js";
import { failed, toast } from "./toasts.js";

/** @typedef {Page.Returned<"GET /accounts">["accounts"][number]} Account */
const ROLES = /** @type {const} */ (["sender", "reader", "lead", "admin"]);

export async function showPeople() {
  const [{ accounts }, { methods, transport, safe }] = await Promise.all([api("/accounts"), api("/accounts/methods")]);
  fill($("#people-rows"), accounts.map(row));
  $("#people").hidden = !accounts.length;
  $("#people-none").hidden = accounts.length > 0;
  $("#transport").textContent = transport;
  $("#transport").className = safe ? "soft" : "problem";
  $("#methods").replaceChildren(...methods.map(({ name, on, words }) =>
    el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, el("span", { class: `chip ${on ? "good" : ""}` }, on ? "on" : "off")), el("td", { class: "soft" }, words))));
}

function row(/** @type {Account} */ account) {
  const { name, role, disabled, has_password, provided, sessions, sources } = account;
  const choice = el("select", { "aria-label": `Role of ${name}`, disabled: disabled || provided }, ...ROLES.map((one) => el("option", { value: one, selected: one === role }, one)));
  choice.addEventListener("change", () => change(name, { role: ROLES[choice.selectedIndex] }, `${name} is ${ROLES[choice.selectedIndex]} now, and signed out everywhere.`));
  const under = el("textarea", { rows: Math.max(1, sources.length), cols: 14, disabled, spellcheck: false, placeholder: role === "reader" ? "unknown" : "any", "aria-label": `Sources of ${name}, one per line` }, sources.join("\n"));
  under.addEventListener("change", () => change(name, { sources: lines(under.value) }, `The sources of ${name} are changed, and it is signed out everywhere.`));
  const state = disabled ? ["disabled", ""] : provided ? ["signs in with the provider", "good"] : has_password ? ["may sign in", "good"] : ["no password yet", "warn"];
  return el("tr", { dataset: { account: name } },
    el("th", { scope: "row" }, name),
    el("td", {}, choice),
    el("td", {}, under),
    el("td", {}, el("span", { class: `chip ${state[1]}` }, state[0])),
    el("td", { class: "n" }, sessions),
    el("td", {}, el("div", { class: "row" },
      !provided && el("button", { type: "button", disabled, "aria-label": `Make a link for ${name}`, onclick: () => invite(name).catch(failed) }, "Link"),
      disabled
        ? el("button", { type: "button", "aria-label": `Enable ${name}`, onclick: () => change(name, { disabled: false }, `${name} may sign in again.`) }, "Enable")
        : el("button", { type: "button", "aria-label": `Disable ${name}`, onclick: () => change(name, { disabled: true }, `${name} is disabled, and signed out everywhere.`) }, "Disable"))));
}

/** Return the non-empty lines of a field. */
function lines(/** @type {string} */ text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** @param {string} name  @param {{ role?: Account["role"], disabled?: boolean, sources?: string[] }} changes  @param {string} words */
async function change(name, changes, words) {
  try {
    await api(`/accounts/${encodeURIComponent(name)}`, { method: "PATCH", body: changes });
    toast(words);
  } catch (error) {
    failed(error);
  }
  await showPeople().catch(failed); // also after an error, so that the select shows the stored role again
}

async function invite(/** @type {string} */ name) {
  const { path, until } = await api(`/accounts/${encodeURIComponent(name)}/link`, { method: "POST" });
  const link = el("input", { readonly: true, value: location.origin + path, "aria-label": `Link for ${name}` });
  link.addEventListener("focus", () => link.select());
  const card = $("#invitation");
  card.replaceChildren(
    el("p", {}, "Give this link to ", el("b", {}, name), `. It is good once, until ${date(until)}, and is not shown again. Earlier links of this account have ended.`),
    el("div", { class: "row" }, link, el("button", { type: "button", onclick: () => copy(link) }, "Copy"), el("button", { type: "button", class: "quiet", onclick: () => { card.hidden = true; card.replaceChildren(); } }, "Done")));
  card.hidden = false;
  link.focus();
  await showPeople();
}

async function copy(/** @type {HTMLInputElement} */ field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast("Copied.");
  } catch {
    toast("The browser does not allow copying here. The link is selected: press Ctrl-C."); // the page was loaded over plain HTTP
  }
}

$("#add-account").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("#account-problem").textContent = "";
  const name = $("#account-name").value.trim();
  try {
    await api("/accounts", { body: { name, role: ROLES[$("#account-role").selectedIndex], sources: lines($("#account-sources").value) } });
    $("#add-account").reset();
    await invite(name);
  } catch (error) {
    $("#account-problem").textContent = sentenceIn(error);
  }
});
