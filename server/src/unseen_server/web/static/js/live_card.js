// @ts-check
// Live page: one film's card with its image, each model's score and the decision.

import { el } from "./api.js";
import { readable } from "./file_names.js";
import { placeOf } from "./percent_words.js";

/** @typedef {Page.Returned<"GET /films/{film}">} Status  @typedef {Page.Returned<"GET /films/{film}/look">} Look */
/**
 * Film that was dropped on the page; its properties are added one after the other.
 * @typedef {{ state: "waiting" | "sending" | "sent" | "done" | "refused" | "stopped", batch: HTMLElement, name?: string, source?: string,
 *   file?: File | null, film?: string, already?: boolean, problem?: string | null, status?: Status, look?: Look | null, card?: HTMLElement | null,
 *   began?: number, seconds?: number }} Item
 */

export const figure = (/** @type {number} */ score) => (Math.abs(score) >= 1e5 ? score.toExponential(2) : String(Number(score.toPrecision(3))));

/** Return the outcome of a film: a word, the type of its chip, and sentences. */
export function outcome(/** @type {Item} */ item) {
  if (item.problem || !item.status) return { word: "not stored", kind: "bad", words: [item.problem ?? ""] };
  const { film, study, decision } = item.status;
  const own = film.decision ?? decision;
  const said = item.look?.words ?? [];
  if (study.state === "reported") return { word: study.outcome ?? "reported", kind: "", words: said };
  if (own?.action === "not_scored" || (!own && study.reason))
    return { word: "not scored", kind: "bad", words: said.length ? said : ["A person looks at it first.", study.reason] };
  if (own?.action === "clear") return { word: "cleared", kind: "good", words: said };
  if (own) return { word: "to read", kind: item.look?.flag ? "warn" : "", words: said };
  return { word: "scored", kind: "", words: ["It has its place in the list. Scores are not shown where a policy clears."] };
}

export function cardOf(/** @type {Item} */ item) {
  const { word, kind, words } = outcome(item);
  const study = item.status?.study.study;
  const name = nameOf(item);
  const shown = el("article", { class: `film card ${item.problem ? "refused" : ""}`, "aria-label": name, dataset: { film: item.film ?? "" } });
  shown.append(study ? picture(item, study) : el("span", { class: "picture none" }, "no film"));
  shown.append(
    el(
      "div",
      { class: "about" },
      el("h3", { title: name }, el("bdi", {}, tail(name)), el("span", { class: `chip ${kind}` }, word)),
      item.already && el("p", { class: "small soft" }, "The same file was here already; nothing was stored twice."),
      el("div", { class: "said" }, ...words.slice(0, 2).map((sentence) => el("p", {}, sentence))),
      models(item.look?.models ?? []),
      study && links(item, study),
    ),
  );
  return shown;
}

function picture(/** @type {Item} */ item, /** @type {string} */ study) {
  const none = el("span", { class: "none" }, "no image");
  /** @type {HTMLElement} */
  const image = item.status?.film.file_format === null ? none : el("img", {
    src: `/api/v1/films/${item.film}/thumbnail.png`,
    alt: `Thumbnail of ${nameOf(item)}`,
    loading: "lazy",
    onerror: () => image.replaceWith(none),
  });
  return el("a", { class: "picture", href: `/studies/${study}`, tabindex: "-1", "aria-hidden": "true" }, image);
}

function links(/** @type {Item} */ item, /** @type {string} */ study) {
  const compared = (item.look?.models ?? []).filter((model) => model.score !== null).length > 1;
  return el(
    "p",
    { class: "links" },
    el("a", { href: `/studies/${study}`, "aria-label": `Open ${nameOf(item)}` }, "Open"),
    compared && el("a", { href: `/compare/${item.film}`, "aria-label": `Compare the models on ${nameOf(item)}` }, "Compare models"),
    item.seconds !== undefined && el("span", { class: "soft small", title: "from the drop to the score" }, `${item.seconds.toFixed(1)} s`),
  );
}

function models(/** @type {Look["models"]} */ all) {
  const scored = all.filter((model) => model.score !== null && model.role !== "earlier");
  if (!scored.length) return null;
  const head = ["model", "", "percentile", "score"].map((word) => el(word ? "th" : "td", word ? { scope: "col" } : { "aria-hidden": "true" }, word));
  return el("table", { class: "models" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...scored.flatMap(row)));
}

function row(/** @type {Look["models"][number]} */ model) {
  const dot = el("i", {});
  if (model.rank !== null) dot.style.left = `${100 * model.rank}%`;
  return [
    el(
      "tr",
      { class: model.high ? "high" : "" },
      el("th", { scope: "row", title: model.name }, model.name),
      el("td", { class: "where", "aria-hidden": "true" }, el("span", { class: "track" }, model.rank !== null && dot)),
      el("td", { class: "rank" }, model.score === null ? "no score" : placeOf(model.rank)),
      el("td", { class: "score" }, model.score === null ? "" : figure(model.score)),
    ),
    el("tr", { class: "sentence" }, el("td", { colspan: 4 }, model.sentence)),
  ];
}

/** Return the file's name as far as it is known: after a reload, a store with pseudonyms has none. */
const nameOf = (/** @type {Item} */ item) => readable(item.name ?? "") ?? item.film ?? "";

/** Return the last part of a path with its folder, if any, to distinguish files of a study. */
function tail(/** @type {string} */ name) {
  return name.split("/").slice(-2).join("/");
}
