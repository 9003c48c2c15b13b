// @ts-check
// The live page's results as a table: one row a file, and the limits of use in every row, so that a row keeps them.

import { safeCell } from "./copying.js";
import { outcome } from "./live_card.js";

/** @typedef {import("./live_card.js").Item} Item  @typedef {import("./live_card.js").Look["models"][number]} Model */

/** Return the rows of the table, starting with the head. */
export function rowsOf(/** @type {Item[]} */ items, /** @type {string} */ limits) {
  /** @type {Map<string, string>} */
  const models = new Map();
  for (const item of items)
    for (const model of item.look?.models ?? []) if (model.role !== "earlier") models.set(model.model, nameOf(model, models));
  const columns = [...models].flatMap(([, name]) => [`${name} score`, `${name} percentile`, `${name} reference`]);
  const head = ["file", "film", "study", "source", "result", "reason", "probability", "prevalence", ...columns, "limits"];
  return [head, ...items.map((item) => [...rowOf(item), ...[...models.keys()].flatMap((model) => scores(item, model)), limits])];
}

/** Return rows as CSV (RFC 4180). Text that a spreadsheet would read as a formula gets a leading apostrophe. */
export function csv(/** @type {(string | number)[][]} */ rows) {
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function rowOf(/** @type {Item} */ item) {
  const { word, words } = outcome(item);
  const decision = item.status?.film.decision ?? item.status?.decision;
  const reason = item.problem ?? (decision?.reason || item.status?.study.reason || words.join(" "));
  return [item.name ?? "", item.film ?? "", item.status?.study.study ?? "", item.source ?? "", word, reason, item.look?.probability ?? "", item.look?.prevalence ?? ""];
}

function scores(/** @type {Item} */ item, /** @type {string} */ sha256) {
  const found = (item.look?.models ?? []).find((model) => model.model === sha256);
  return [found?.score ?? "", found?.rank === null || found?.rank === undefined ? "" : 100 * found.rank, found?.reference.words ?? ""];
}

function nameOf(/** @type {Model} */ model, /** @type {Map<string, string>} */ models) {
  const taken = [...models].some(([sha256, name]) => name === model.name && sha256 !== model.model);
  return taken ? `${model.name} ${model.model.slice(0, 8)}` : model.name;
}

function cell(/** @type {string | number} */ value) {
  if (typeof value === "number") return String(value);
  const safe = safeCell(value);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
