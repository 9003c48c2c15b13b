// @ts-check
// Administration, site settings: display of names, retention and waiting periods; films from each source.
import { $, api, el } from "./api.js";
import { agreed, fill, size } from "./admin_parts.js";
import { date } from "./dates.js";
import { failed, toast } from "./toasts.js";

/** @typedef {Page.Returned<"GET /settings">} Settings */
const FROM_NOW = "It holds for films that come from now on.";
const IDENTITY = /** @type {const} */ (["nobody", "lead", "reader"]);
const SEES = {
  nobody: "Nobody: everybody sees pseudonyms.",
  lead: "Leads and admins see names, numbers and dates of patients in films' headers. Readers see pseudonyms.",
  reader: "Everybody who can sign in sees names, numbers and dates of patients in films' headers.",
};
let identity = /** @type {typeof IDENTITY[number]} */ ("nobody"); // value when the page was drawn
/** Fields of the site, as text when the page was drawn: an unchanged value is not sent, because another admin may have changed it. */
let drawn = { cap: "", kept: "", settle: "" };
const read = () => ({ cap: $("#cap").value, kept: $("#kept-days").value, settle: $("#settle").value });

export async function showSettings() {
  draw(await api("/settings"));
}

function draw(/** @type {Settings} */ found) {
  identity = found.identity;
  $("#identity").selectedIndex = IDENTITY.indexOf(found.identity);
  $("#pseudonyms").textContent = found.pseudonyms
    ? "The worklist itself stores patients and accession numbers as pseudonyms. A film's own header is kept as it was received."
    : "The worklist stores patients and accession numbers as they were received. This was chosen when it was made.";
  $("#cap").value = String(found.waiting_cap_s / 3600);
  $("#kept-days").value = found.kept_days === null ? "" : String(found.kept_days);
  const removes = found.kept_days !== null || found.sources.some((one) => one.kept_days !== null);
  $("#removal-waits").textContent = found.removal_waits_until === null || !removes ? "" : `Nothing is removed by age until ${date(found.removal_waits_until)}: the server was off for more than a day, or its clock has jumped. Check the date of the server's computer. The tab Erase and retire removes old studies at once.`;
  $("#settle").value = String(found.settle_s);
  drawn = read();
  $("#watched").textContent = found.settled_s === null
    ? "No folder is watched. Films come over HTTP, with the source that their sender names."
    : `A folder is watched: a file is received when it has not changed for ${found.settled_s} s. Its subfolder is the source.`;
  for (const one of /** @type {NodeListOf<HTMLInputElement>} */ ($("#site-settings").querySelectorAll(":disabled"))) one.disabled = false;
  fill($("#source-rows"), found.sources.map((one) => row(one, found)));
}

function row(/** @type {Settings["sources"][number]} */ one, /** @type {Settings} */ site) {
  const kept = entry({
    label: `Days that studies of ${one.name} are kept; 0: for ever; empty: as the site`, save: `Save for ${one.name}`, most: 36500,
    site: site.kept_days === null ? "never" : String(site.kept_days), own: one.own ? one.kept_days ?? 0 : null, unit: one.own && one.kept_days === null ? "days (0: never)" : "days",
    store: (days) => store({ kept_of: { [one.name]: days } }, "What is no longer kept is removed within the hour."),
  });
  const settles = entry({
    label: `Seconds after which a study of ${one.name} is complete; empty: as the site`, save: `Save the seconds of ${one.name}`, most: 86400,
    site: String(site.settle_s), own: one.settles_own ? one.settle_s : null, unit: "s",
    store: (seconds) => store({ settle_of: { [one.name]: seconds } }, FROM_NOW),
  });
  return el("tr", { dataset: { source: one.name } },
    el("th", { scope: "row" }, one.name),
    el("td", { class: "n" }, one.studies), el("td", { class: "n" }, one.waiting), el("td", { class: "n" }, one.films), el("td", { class: "n" }, size(one.bytes)),
    el("td", {}, date(one.latest)), el("td", {}, settles), el("td", {}, kept));
}

/**
 * Return a form for a source's own value; the field is empty if the source uses the site's value.
 * @param {{ label: string, save: string, most: number, site: string, own: number | null, unit: string, store: (value: number | null) => void }} shown
 */
function entry({ label, save, most, site, own, unit, store: keep }) {
  const input = el("input", { type: "number", min: 0, max: most, step: "any", "aria-label": label, placeholder: site === "never" ? site : `${site}, as the site`, value: own === null ? "" : String(own) });
  const form = el("form", { class: "source-days" }, input, el("span", { class: "soft" }, unit), el("button", { type: "submit", "aria-label": save }, "Save"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(input.value === "" ? null : Number(input.value));
  });
  return form;
}

/** @param {Page.Sent<"PATCH /settings">} body  @param {string} effect */
async function store(body, effect) {
  try {
    draw(await api("/settings", { method: "PATCH", body }));
    toast(`Saved. ${effect}`);
  } catch (error) {
    failed(error);
  }
}

/** Ask an admin to confirm a change of who sees names; a key or the mouse wheel can change a select by accident. */
function namesMeant(/** @type {typeof IDENTITY[number]} */ wanted) {
  const parts = /** @type {[string, string[]][]} */ ([["Now", [SEES[identity]]], ["Then", [SEES[wanted], "It holds at once, for all films that are here. The audit trail records it."]]]);
  return agreed({ title: "Change who sees names?", parts, action: "Change" });
}

$("#site-settings").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = IDENTITY[$("#identity").selectedIndex];
  const changed = wanted !== identity;
  if (changed && !(await namesMeant(wanted))) {
    $("#identity").selectedIndex = IDENTITY.indexOf(identity);
    return;
  }
  const { cap, kept, settle } = read();
  store({
    ...(changed ? { identity: wanted, identity_was: identity } : {}),
    ...(cap === drawn.cap ? {} : { waiting_cap_s: Number(cap) * 3600 }),
    ...(kept === drawn.kept ? {} : { kept_days: Number(kept) }),
    ...(settle === drawn.settle ? {} : { settle_s: Number(settle) }),
  }, "What is no longer kept is removed within the hour.");
});
