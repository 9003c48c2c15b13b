// @ts-check
// Drift and audit sample: late scores next to those of the calibration, alarms, and reports on cleared studies.
import { $, api, el } from "./api.js";
import { fillByWidth } from "./chart_width.js";
import { date } from "./dates.js";
import { agree } from "./models_agree.js";
import { PLOT_WIDTH, legend, plot, short } from "./models_plot.js";
import { earlierAlarms, reopening } from "./models_reopening.js";
import { numberOf } from "./numbers.js";
import { percent } from "./percent_words.js";
import { failed, toast } from "./toasts.js";

export async function showDrift() {
  const [drift, alarms, reopenings, sample, growth] = await Promise.all([api("/drift"), api("/alarms"), api("/reopenings"), api("/audit/sample"), api("/audit/sample/growth")]);
  const again = () => { showDrift().catch(failed); };
  const raised = reopenings.alarms;
  $("#alarms").replaceChildren(
    ...alarms.alarms.map((one) => alarm(one, raised.find(({ policy, ended }) => policy === one.policy && ended === null), again)),
    ...earlierAlarms(raised, again));
  scores(drift);
  audit(sample, growth.points);
}

/** @param {Page.Returned<"GET /alarms">["alarms"][number]} one  @param {import("./models_reopening.js").Raised | undefined} raised  @param {() => void} again */
function alarm(one, raised, again) {
  const first = one.first_by === null;
  return el("section", { class: "card alarm", "aria-label": "Drift alarm" },
    el("div", { class: "row" }, el("h2", {}, one.kind === "scores" ? "Scores have drifted" : "Too many films are refused"), el("span", { class: "chip bad" }, "nothing is cleared"), el("span", { class: "soft" }, `since ${date(one.since)}`)),
    el("p", {}, `${one.reason[0].toUpperCase()}${one.reason.slice(1)}.`),
    one.first_by !== null && one.first !== null ? el("p", {}, el("b", {}, one.first_by), ` has acknowledged it on ${date(one.first)}. A second person must, too, before anything is cleared again.`) : el("p", { class: "soft" }, "Two people must acknowledge it, each with a note, before anything is cleared again."),
    one.first_note ? el("blockquote", {}, one.first_note) : null,
    el("div", { class: "row" },
      el("button", { type: "button", disabled: one.mine, onclick: () => acknowledge(one) }, first ? "Acknowledge, as the first of two" : "Acknowledge, and clear again"),
      first ? null : el("button", { type: "button", class: "quiet", onclick: () => api(`/alarms/${one.policy}/withdraw`, { method: "POST" }).then(showDrift).catch(failed) }, "Withdraw the first acknowledgement"),
      one.mine ? el("span", { class: "soft" }, "You were the first. Somebody else has to be the second.") : null),
    raised ? el("div", { class: "raised" }, el("h3", {}, "The films that raised it"), ...reopening(raised, again)) : null);
}

async function acknowledge(/** @type {Page.Returned<"GET /alarms">["alarms"][number]} */ one) {
  const last = one.first_by !== null;
  const title = last ? "Clear again?" : "Acknowledge the alarm";
  const words = last ? "" : "Nothing starts yet: this would start when a second person agrees.";
  const said = await agree({ title, words, summary: one.summary, note: "What you have looked at, and why this may start", action: last ? "Clear again" : "Acknowledge" });
  if (said === null || !one.summary) return;
  try {
    const { resumed } = await api(`/alarms/${one.policy}/acknowledge`, { body: { note: said.note, summary: one.summary.digest } });
    toast(resumed ? "The policy clears again." : "Acknowledged. Nothing is cleared until a second person has, too.");
  } catch (error) {
    failed(error);
  }
  await showDrift().catch(failed);
}

function scores(/** @type {Page.Returned<"GET /drift">} */ { model, model_name, reference, blocks, policy, window: size, windows, studies }) {
  const drawn = blocks.flatMap(({ quartiles, ...block }) => (quartiles ? [{ ...block, quartiles }] : []));
  const words = [];
  if (model === null) words.push("This server was given no model.");
  else if (!drawn.length) words.push(`${model_name} has scored none of the films that this chart shows: the latest ones, without those of patients on whose films it was trained.`);
  else words.push(`${model_name}: the latest ${numberOf(blocks.reduce((n, b) => n + b.scored + b.refused, 0), "film")} in blocks of 50, without films of patients on whose films it was trained; median and middle half of each.`);
  if (reference && drawn.length) words.push(`Compared with ${reference.words}.`);
  if (policy && size) words.push(`Drift is tested on every ${numberOf(size, "study")}: ${numberOf(windows, "test")} so far, ${studies} of ${numberOf(size, "study")} in the next.`);
  $("#drift-words").textContent = words.join(" ");
  if (!drawn.length) return $("#drift").replaceChildren();
  const x = drawn.map((_, i) => i + 1), quartile = (/** @type {0 | 1 | 2} */ q) => drawn.map((block) => block.quartiles[q]);
  const rules = reference ? [{ at: reference.median, words: "median" }, { at: reference.limit, words: "95 %" }] : [];
  const last = drawn[drawn.length - 1];
  const above = drawn.map((block) => block.above / block.scored);
  const expected = reference ? [{ at: reference.expected, words: "expected" }] : [];
  fillByWidth($("#drift"), PLOT_WIDTH, (width) => [
    plot({ width, x, lines: [{ name: "median", values: quartile(1), kind: "c0" }], bands: [{ low: quartile(0), high: quartile(2), kind: "c0" }], rules, dots: true, height: 250,
      xWords: "block of 50 films, the latest on the right", yWords: "score", label: `Median scores of ${numberOf(drawn.length, "block")}; the last is ${short(last.quartiles[1])}${reference ? `, the reference's ${short(reference.median)}` : ""}.` }),
    reference ? plot({ width, x, lines: [{ name: "above", values: above, kind: "c1" }], rules: expected, dots: true, zero: true, percent: true, height: 170,
      xWords: "block of 50 films", yWords: "above 95 %", label: `Share of films above the limit; in the last block ${percent(above[above.length - 1])}, expected ${percent(reference.expected)}.` }) : "",
    blocks.some((block) => block.refused) ? el("p", { class: "small soft" }, `Films not scored, by block: ${blocks.map((block) => block.refused).join(", ")}.`) : "",
  ]);
}

function audit(/** @type {Page.Returned<"GET /audit/sample">} */ sample, /** @type {Page.Returned<"GET /audit/sample/growth">["points"]} */ points) {
  const words = [`${sample.read} read, ${sample.abnormal} of them abnormal; ${sample.unsure} unsure, ${sample.waiting} unread.`];
  if (sample.share) words.push(`Of the studies that were cleared, ${percent(sample.share.value)} are abnormal by this sample, without the unsure ones (95 % interval ${percent(sample.share.low)} to ${percent(sample.share.high)}, by patients). It counts the studies that are kept here, of all policies so far.`);
  else words.push(`No share yet: ${sample.missing}.`);
  words.push("They are selected at random, and readers do not know which they are.");
  $("#audit-words").textContent = words.join(" ");
  if (!points.length) return $("#audit").replaceChildren();
  const line = { name: "abnormal among cleared", values: points.map((p) => p.share.value), kind: "c1" };
  fillByWidth($("#audit"), PLOT_WIDTH, (width) => [
    plot({ width, x: points.map((p) => p.read), lines: [line], bands: [{ low: points.map((p) => p.share.low), high: points.map((p) => p.share.high), kind: "c1" }],
      zero: true, percent: true, height: 300, xWords: "cleared studies that were read", yWords: "abnormal", label: `Running share of abnormal studies, now ${percent(points[points.length - 1].share.value)}.` }),
    legend([line, { name: "95 % interval", kind: "c1 wide" }])]);
}
