// @ts-check
// Administration, removal: erase a patient or a study; retire old studies, a film, or a model's findings.
import { $, api, el, sentenceIn } from "./api.js";
import { confirmed, fill, size } from "./admin_parts.js";
import { date } from "./dates.js";
import { numberOf } from "./numbers.js";
import { failed, toast } from "./toasts.js";

export async function showRemove() {
  const [{ models }, { sources }] = await Promise.all([api("/models/scored"), api("/settings")]);
  const chosen = $("#old-source").value;
  $("#old-source").replaceChildren(el("option", { value: "" }, "all"), ...sources.map(({ name }) => el("option", { value: name, selected: name === chosen }, name)));
  $("#scored-none").hidden = models.length > 0;
  fill($("#scored-models"), models.map(row));
}

function row(/** @type {Page.Returned<"GET /models/scored">["models"][number]} */ one) {
  const name = one.name || "unknown to this server";
  const against = one.in_use ? "This server scores with it." : one.waiting ? `${numberOf(one.waiting, "study waits", "studies wait")} in an order that it made.` : "";
  return el("tr", {},
    el("th", { scope: "row" }, name, " ", el("code", { class: "soft small", title: one.model }, one.model.slice(0, 8))),
    el("td", { class: "n" }, one.findings), el("td", {}, date(one.latest)),
    el("td", {}, against ? el("span", { class: "soft" }, against) : el("button", { type: "button", "aria-label": `Retire ${name}`, onclick: () => retireModel(one.model, name, one.findings) }, "Retire")));
}

async function retireModel(/** @type {string} */ model, /** @type {string} */ name, /** @type {number} */ findings) {
  const parts = /** @type {[string, string[]][]} */ ([
    ["Goes", [`${numberOf(findings, "result")}, with anomaly maps and reconstructions`]],
    ["Stays", ["Decisions, reports, and what two people agreed on", "The model's own folder. A server that is started with it scores new films with it again"]],
  ]);
  if (!(await confirmed({ title: `Retire ${name}?`, parts, word: "retire", action: "Retire" }))) return;
  await api(`/models/${model}/retire`, { method: "POST" }).then(() => toast(`${name} is retired.`)).catch(failed);
  await showRemove().catch(failed);
}

$("#erase").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("#erase-problem").textContent = $("#erase-done").textContent = "";
  const value = (/** @type {HTMLInputElement} */ field) => field.value.trim() || null;
  const body = { patient: value($("#erase-patient")), issuer: value($("#erase-issuer")), study: value($("#erase-study")) };
  try {
    const shown = await api("/erasure/preview", { body });
    const goes = [
      `${numberOf(shown.studies, "study")} with ${numberOf(shown.films, "film")} (${size(shown.bytes)})`,
      `${numberOf(shown.maps, "anomaly map")}, all thumbnails and reconstructions of these films`,
      `${numberOf(shown.reports, "report")}, ${numberOf(shown.drafts, "draft")}`,
    ];
    const held = shown.holders.length ? [`In the hands of ${shown.holders.join(", ")}: what they are writing is lost.`] : [];
    const title = body.study ? "Erase this study?" : "Erase this patient?";
    if (!(await confirmed({ title, parts: [["Goes", goes], ["Being read", held], ["Stays", shown.stays]], word: "erase", action: "Erase" }))) return;
    const gone = await api("/erasure", { body: { ...body, shown: shown.digest } });
    $("#erase").reset();
    $("#erase-done").textContent = `Erased on ${date(Date.now())}: ${numberOf(gone.studies, "study")}, ${numberOf(gone.films, "film")}, ${numberOf(gone.maps, "anomaly map")}.`;
    await showRemove();
  } catch (error) {
    $("#erase-problem").textContent = sentenceIn(error);
  }
});

$("#retire-old").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { days: Number($("#old-days").value), source: $("#old-source").value || null };
  try {
    const { studies } = await api("/retirement/count", { body });
    if (!studies) return void toast("No study is that old.");
    const goes = [`${numberOf(studies, "study")}, with films, anomaly maps, reports and labels`];
    const stays = ["Studies that wait for a reader", "The audit trail"];
    if (!(await confirmed({ title: "Retire old studies?", parts: [["Goes", goes], ["Stays", stays]], word: "retire", action: "Retire" }))) return;
    const gone = await api("/retirement", { body });
    toast(`Removed: ${numberOf(gone.studies, "study")}, ${numberOf(gone.films, "film")}.`);
    await showRemove();
  } catch (error) {
    failed(error);
  }
});

$("#retire-film").addEventListener("submit", async (event) => {
  event.preventDefault();
  const film = $("#film-name").value.trim();
  const parts = /** @type {[string, string[]][]} */ ([["Goes", ["The film, its anomaly maps, thumbnail and scores; with its last film also the study"]], ["Stays", ["The study's other films", "That a film was retired, in the audit trail"]]]);
  if (!(await confirmed({ title: "Retire this film?", parts, word: "retire", action: "Retire" }))) return;
  try {
    await api(`/films/${encodeURIComponent(film)}/retire`, { method: "POST" });
    $("#retire-film").reset();
    toast("The film is removed.");
  } catch (error) {
    failed(error);
  }
});
