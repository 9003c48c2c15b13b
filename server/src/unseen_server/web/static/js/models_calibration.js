// @ts-check
// Calibration from readers' reports: the guarantee, the number of abnormal studies that it needs, and their number so far.
import { $, api, el, find, sentenceIn } from "./api.js";
import { numberOf } from "./numbers.js";
import { toast } from "./toasts.js";

/** @typedef {Page.Returned<"GET /calibration">} Calibration */

const form = /** @type {HTMLFormElement} */ (find("#calibrate")); // null for readers: see below
const problem = $("#calibrate-problem");
let latest = 0;

function asked() {
  const given = new FormData(form), share = (/** @type {string} */ name) => Number(given.get(name)) / 100;
  return {
    model: String(given.get("model") ?? ""), max_miss_rate: share("max_miss_rate"), confidence: share("confidence"),
    prevalence: given.get("prevalence") === "" ? null : share("prevalence"), note: String(given.get("note")), others: given.get("others") !== null,
  };
}

/** Draw the tab; `fresh`: true if the tab was just opened. */
export async function showCalibration(/** @type {boolean} */ fresh, /** @type {string | undefined} */ model = undefined) {
  const choice = /** @type {HTMLSelectElement} */ (form.elements.namedItem("model"));
  if (fresh) {
    const { models } = await api("/models/cards");
    const chosen = model ?? choice.value;
    choice.replaceChildren(...models.map((one) => el("option", { value: one.weights_sha256 }, `${one.name} · ${one.weights_sha256.slice(0, 8)}${one.role === "decides" ? " · decides" : ""}`)));
    if (models.some((one) => one.weights_sha256 === chosen)) choice.value = chosen;
  }
  if (!choice.value) {
    $("#promise").textContent = "This server was given no model.";
    /** @type {HTMLButtonElement} */ ($("#propose-calibration")).disabled = true;
    return;
  }
  const note = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("note"));
  note.required = false; // a preview does not need a note
  const sound = form.checkValidity();
  note.required = true;
  if (!sound) return;
  const mine = ++latest, { model: which, max_miss_rate, confidence, others } = asked();
  const response = await api(`/calibration?${new URLSearchParams({ model: which, max_miss_rate: String(max_miss_rate), confidence: String(confidence), others: String(others) })}`);
  if (mine === latest) draw(response);
}

function draw(/** @type {Calibration} */ response) {
  const [none, one, two] = response.needed.map((one) => one.abnormals);
  $("#promise").textContent = `For ${response.promise}: ${numberOf(none, "abnormal study")} of each source ${none === 1 ? "is" : "are"} needed if none of them lies below the threshold, ${one} if one does, ${two} if two do.`;
  $("#sources").replaceChildren(...response.sources.map((source) => bar(source, response.needed)));
  if (!response.sources.length) $("#sources").append(el("p", { class: "soft" }, "No study that this model has scored was reported normal or abnormal yet."));
  const notes = [];
  const late = response.sources.filter((source) => source.unread);
  if (late.length) {
    notes.push(`Unread studies received in the same time: ${late.map((s) => `${s.unread} of ${s.source}`).join(", ")}. If abnormal ones among them have lower scores than those that were reported, the threshold is too high. Read them first.`);
  }
  if (response.selected) notes.push(`${numberOf(response.selected, "study was", "studies were")} judged by a policy, which decides what is read. They count only if the audit sample would have taken them.`);
  const left = response.not_counted;
  const { confirmed, confirmations_needed: needed } = response;
  if (left.elsewhere) notes.push(`${numberOf(left.elsewhere, "study")} reported by another system left out: nothing here shows that the films were seen.`);
  if (left.elsewhere && confirmed < needed) notes.push(`Reports of other systems can count after ${needed} of them were confirmed here; ${confirmed} ${confirmed === 1 ? "is" : "are"}. Open such a study, look at its films, and press Confirm next to the report.`);
  if (left.unrecorded) notes.push(`${numberOf(left.unrecorded, "study")} reported with an earlier version left out: it did not record what was shown.`);
  if (response.hasty) notes.push(`${numberOf(response.hasty, "study")} left out: reported less than two seconds after the film was shown.`);
  if (response.unsure) notes.push(`${numberOf(response.unsure, "study")} left out: reported unsure. If abnormal ones among them have lower scores than those that count, the threshold is too high.`);
  if (response.trained_on) notes.push(`${numberOf(response.trained_on, "film")} left out: the model was trained on them, or on other films of their patients.`);
  if (response.not_seen) notes.push(`${numberOf(response.not_seen, "study")} left out: this model has not scored all their films.`);
  $("#left-out").replaceChildren(...notes.map((words) => el("li", {}, words)));
  form.dataset.ready = String(response.ready);
}

/** Draw the number of abnormal studies of a source, and the numbers needed if 0, 1 or 2 of them lie below the threshold. */
function bar(/** @type {Calibration["sources"][number]} */ source, /** @type {Calibration["needed"]} */ needed) {
  const most = Math.max(needed[2].abnormals * 1.12, source.abnormals * 1.04, 1), at = (/** @type {number} */ n) => (100 * n) / most;
  const enough = source.allowed_misses !== null;
  const words = enough
    ? `${source.allowed_misses} of them may lie below the threshold`
    : source.refused;
  return el("section", { class: `source ${enough ? "enough" : "short"}`, "data-source": source.source },
    el("div", { class: "row" }, el("h3", {}, source.source), el("span", { class: `chip ${enough ? "good" : "warn"}` }, enough ? "enough" : "nothing is cleared"),
      el("span", { class: "soft counts" }, `${source.abnormals} abnormal · ${source.normals} normal${source.not_scored ? ` · ${source.not_scored} not scored` : ""}`)),
    el("svg:svg", { class: "needs", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": `${numberOf(source.abnormals, "abnormal study")} there, ${needed.map((n) => n.abnormals).join(", ")} needed` },
      el("svg:rect", { class: "all", x: 0, y: 1.5, width: 100, height: 5, rx: 0.6 }),
      el("svg:rect", { class: "there", x: 0, y: 1.5, width: at(source.abnormals), height: 5, rx: 0.6 }),
      ...needed.map((n) => el("svg:line", { class: "need", x1: at(n.abnormals), x2: at(n.abnormals), y1: 0, y2: 8 }))),
    el("div", { class: "need-words", "aria-hidden": "true" }, ...needed.map((n) => {
      const mark = el("span", {}, String(n.abnormals));
      mark.style.left = `${at(n.abnormals)}%`;
      return mark;
    })),
    el("p", { class: enough ? "small soft" : "small problem" }, `${words[0].toUpperCase()}${words.slice(1)}.`));
}

if (form) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  form.addEventListener("input", (event) => {
    problem.textContent = "";
    const target = /** @type {HTMLInputElement} */ (event.target);
    if (target.name === "note" || target.name === "prevalence") return;
    clearTimeout(soon);
    soon = setTimeout(() => showCalibration(false).catch((error) => { problem.textContent = sentenceIn(error); }), 250);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ ($("#propose-calibration"));
    button.disabled = true;
    problem.textContent = "";
    try {
      const made = await api("/calibration/propose", { body: asked() });
      toast(`Proposal ${made.number} waits for a second person; it is on the first tab.`);
      /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("note")).value = "";
    } catch (error) {
      problem.textContent = sentenceIn(error);
    } finally {
      button.disabled = false;
    }
  });
}
