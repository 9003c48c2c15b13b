// @ts-check
// What the site has set: who sees names, how long studies wait and are kept; and what each source has sent.
import { $, api, el, failed, toast } from "./api.js";
import { fill, size } from "./admin_parts.js";
import { date } from "./dates.js";

/** @typedef {Page.Returned<"GET /settings">} Settings */
const IDENTITY = /** @type {const} */ (["nobody", "lead", "reader"]);

export async function showSettings() {
  draw(await api("/settings"));
}

function draw(/** @type {Settings} */ found) {
  $("#identity").selectedIndex = IDENTITY.indexOf(found.identity);
  $("#pseudonyms").textContent = found.pseudonyms
    ? "The worklist itself stores patients and accession numbers as pseudonyms. A film's own header is kept as it was received."
    : "The worklist stores patients and accession numbers as they were received. This was chosen when it was made.";
  $("#cap").value = String(found.waiting_cap_s / 3600);
  $("#kept-days").value = found.kept_days === null ? "" : String(found.kept_days);
  $("#watched").textContent = found.settled_s === null
    ? "No folder is watched. Films come over HTTP, with the source that their sender names."
    : `A folder is watched: a file is received when it has not changed for ${found.settled_s} s. Its subfolder is the source.`;
  for (const one of /** @type {NodeListOf<HTMLInputElement>} */ ($("#site-settings").querySelectorAll(":disabled"))) one.disabled = false;
  fill($("#source-rows"), found.sources.map((one) => row(one, found.kept_days)));
}

function row(/** @type {Settings["sources"][number]} */ one, /** @type {number | null} */ site) {
  const days = el("input", { type: "number", min: 0, max: 36500, step: "any", "aria-label": `Days that studies of ${one.name} are kept; 0: for ever; empty: as the site`, placeholder: site === null ? "never" : `${site}, as the site`, value: one.own ? String(one.kept_days ?? 0) : "" });
  const save = el("button", { type: "submit", "aria-label": `Save for ${one.name}` }, "Save");
  const form = el("form", { class: "source-days" }, days, el("span", { class: "soft" }, one.own && one.kept_days === null ? "days (0: never)" : "days"), save);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    store({ kept_of: { [one.name]: days.value === "" ? null : Number(days.value) } });
  });
  return el("tr", { dataset: { source: one.name } },
    el("th", { scope: "row" }, one.name),
    el("td", { class: "n" }, one.studies), el("td", { class: "n" }, one.waiting), el("td", { class: "n" }, one.films), el("td", { class: "n" }, size(one.bytes)),
    el("td", {}, date(one.latest)), el("td", {}, form));
}

/** @param {Page.Sent<"PATCH /settings">} body */
async function store(body) {
  try {
    draw(await api("/settings", { method: "PATCH", body }));
    toast("Saved. What is no longer kept is removed within the hour.");
  } catch (error) {
    failed(error);
  }
}

$("#site-settings").addEventListener("submit", (event) => {
  event.preventDefault();
  store({ identity: IDENTITY[$("#identity").selectedIndex], waiting_cap_s: Number($("#cap").value) * 3600, kept_days: Number($("#kept-days").value) });
});
