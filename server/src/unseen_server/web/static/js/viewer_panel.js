// @ts-check
// Panel next to the film: state and priority of the study, findings of the models, reports.
import { el, serverTime, span } from "./api.js";
import { calendar, clock, date } from "./dates.js";
import { numberOf } from "./numbers.js";
import { percent, placeOf, whole } from "./percent_words.js";
import { distribution, rankInWords, short } from "./viewer_chart.js";
import { copiesInWords } from "./viewer_versions.js";

/** @typedef {Page.Returned<"GET /studies/{study}">} Study */
/** @typedef {Page.Returned<"GET /films/{film}/look">} Look */

/** @type {Record<Study["entry"]["state"], [words: string, kind: string]>} */
const STATES = {
  received: ["waits for scoring", ""],
  scored: ["not complete yet", ""],
  to_read: ["to read", ""],
  cleared: ["cleared", ""],
  not_scored: ["not scored", "warn"],
  in_reading: ["being read", ""],
  reported: ["reported", ""],
  reported_elsewhere: ["reported elsewhere", ""],
  set_aside: ["set aside", ""],
};
/** @type {Record<string, string>} */
const ACTIONS = {
  "film.received": "came", "film.scored": "scored", "film.compared": "scored for comparison", "film.given_up": "could not be scored",
  "study.judged": "placed in the list", "study.claimed": "taken for reading", "study.claim_ran_out": "claim ran out",
  "study.released": "released", "study.reported": "reported", "study.reported_elsewhere": "reported elsewhere",
  "study.undone": "report taken back", "film.seen": "film shown to", "study.set_aside": "set aside by", "study.joined": "joined to another study", "study.not_joined": "not joined: another patient", "study.identity_disputed": "patient numbers conflict", "study.identity_settled": "patient numbers agree again", "study.requeued": "to be scored again",
  "study.reopened": "clearing taken back, a film came later", "study.reopened_after_alarm": "clearing taken back after a drift alarm, by", "study.settled": "complete", "study.closed": "complete, closed by its sender", "film.copy": "same film received again",
  "study.report_beside": "reported elsewhere as well", "study.report_corrected": "report from elsewhere corrected", "study.report_withdrawn": "report from elsewhere withdrawn",
  "study.report_confirmed": "report from elsewhere confirmed by", "study.report_other_patient": "a report from elsewhere names another patient", "study.patient_merged": "patient's numbers merged",
};
/** @type {Record<string, string>} */
const ROLES = { decides: "decides", compares: "", earlier: "earlier" };
/** Words for a report's origin, only where it is unusual. @type {Record<string, string>} */
const HOW = { returned: "recorded as returned", discarded: "discarded", simulated: "simulated", unrecorded: "what was shown was not recorded then" };
const TAGS = ["Modality", "Manufacturer", "ManufacturerModelName", "PatientAge", "PatientSex"];

const refill = (/** @type {Element} */ place, /** @type {(Page.Child | Page.Child[])[]} */ ...children) =>
  place.replaceChildren(...children.flat().filter((child) => child instanceof Node));

/** Return the study's waiting time as text. */
const waitingOf = (/** @type {Study["entry"]} */ entry) => `Received ${span((serverTime() - Date.parse(entry.received)) / 1000)} ago`;

/** Update the waiting time, which goes on while the study is open. */
export function showWaiting(/** @type {Element} */ place, /** @type {Study["entry"]} */ entry) {
  const shown = place.querySelector(".waiting");
  const words = waitingOf(entry);
  if (shown && shown.textContent !== words) shown.textContent = words;
}

/**
 * Show source, state, waiting time and position, which triage mode shows next to the film.
 * @param {Element} place
 * @param {{ entry: Study["entry"], position: number | null, total: number | string, until: string | number | null, flag: boolean }} shown
 */
export function showHead(place, { entry, position, total, until, flag }) {
  const [words, kind] = STATES[entry.state] ?? [entry.state, ""];
  const flags = [
    flag && el("span", { class: "chip warn" }, "read earlier"),
    entry.overdue && el("span", { class: "chip warn" }, "waits too long"),
    entry.reason && entry.state === "not_scored" && el("span", { class: "chip warn" }, "look first"),
  ];
  refill(
    place,
    el("div", { class: "line" }, el("b", { class: "source" }, entry.source), el("span", { class: `chip ${kind}` }, words), ...flags),
    el("div", { class: "soft small" }, el("span", { class: "waiting" }, waitingOf(entry)),
      [position && `no. ${position} of ${total} to read`, until && `reserved for you until ${clock(until)}`].filter(Boolean).map((words) => ` · ${words}`)),
    entry.reason && el("details", { class: "small reason" }, el("summary", {}, entry.clause), el("p", {}, entry.why)),
  );
}

/** Show the film's patient and dates as far as the site allows; otherwise pseudonyms. */
export function showPerson(/** @type {HTMLElement} */ place, /** @type {Page.Returned<"GET /films/{film}/person"> | null} */ person, /** @type {string | null} */ view) {
  place.hidden = !person;
  if (!person) return;
  const { named, patient, name, accession, study_date: on, birth_date: born, sex, age } = person;
  const years = /^0*(\d+)([DWMY])$/.exec(age);
  const old = years ? numberOf(Number(years[1]), { D: "day", W: "week", M: "month", Y: "year" }[years[2]] ?? "") : "";
  const facts = [
    named && name, patient && `patient ${patient}`, born && `born ${calendar(born)}`, [{ F: "female", M: "male" }[sex], old].filter(Boolean).join(", "),
    accession && `accession ${accession}`, on && `made ${calendar(on)}`, view,
  ].filter(Boolean);
  place.textContent = facts.join(" · ");
  place.hidden = facts.length === 0;
  place.title = named ? "" : "Patient and accession are pseudonyms: the site's setting shows names to others or to nobody.";
}

/** Show the claim on the study, unless it is the reader's own. */
export function showClaim(/** @type {HTMLElement} */ place, /** @type {import("./viewer_claims.js").Claim | null} */ claim, /** @type {{ onTake: () => void }} */ { onTake }) {
  place.hidden = !claim || claim.mine;
  refill(place, claim && !claim.mine && el("span", {}, claim.sentence), claim && !claim.mine && claim.open && el("button", { type: "button", onclick: onTake }, "Take it"));
}

/** Show the decision in plain words, and the probability as a bar. */
export function showWords(/** @type {HTMLElement} */ place, /** @type {Look} */ look) {
  const parts = [];
  if (look.probability !== null) {
    const share = 100 * look.probability;
    const bar = el("span", {});
    bar.style.width = `${share}%`;
    parts.push(
      el("div", { class: "probability" },
        el("div", { class: "meter", role: "meter", "aria-label": "Probability of being abnormal", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": share.toFixed(1), "aria-valuetext": percent(look.probability) }, bar),
        el("b", {}, whole(look.probability))),
      look.prevalence !== null && el("p", { class: "small soft", id: "at-prevalence" }, `probability of being abnormal, at the entered prevalence of ${percent(look.prevalence)}`),
    );
  }
  const [first, ...more] = look.words;
  refill(place, first && el("p", { class: "first" }, first), ...parts, ...more.map((words) => el("p", { class: "small soft" }, words)));
}

/** Show the models to choose from; the keys 1 to 9 do the same. */
export function showModels(/** @type {HTMLElement} */ place, /** @type {Look["models"]} */ models, /** @type {number} */ chosen, /** @type {{ onChoose: (place: number) => void }} */ { onChoose }) {
  place.hidden = models.length < 2;
  refill(
    place,
    models.map((model, i) => {
      const bar = el("span", {});
      bar.style.width = `${100 * (model.rank ?? 0)}%`;
      return el(
        "button",
        { type: "button", class: "model", "aria-pressed": i === chosen ? "true" : "false", onclick: () => onChoose(i), title: rankInWords(model) },
        i < 9 && el("kbd", {}, i + 1),
        el("span", { class: "name" }, model.name, ROLES[model.role] && el("small", {}, ROLES[model.role])),
        el("span", { class: "rank", "aria-hidden": "true" }, bar),
        el("span", { class: "share" }, model.score === null ? "no score" : placeOf(model.rank)),
        model.score !== null && el("span", { class: "sentence" }, `score ${short(model.score)}, ${model.sentence}`),
      );
    }),
  );
}

/** Show the chosen model's score in the distribution of the reference. */
export function showChart(/** @type {HTMLElement} */ place, /** @type {Look["models"][number] | null} */ model) {
  place.hidden = !model || model.score === null;
  if (!model || model.score === null) return;
  refill(place, el("h3", {}, "Score among normal films"), distribution(model), el("p", { class: "small soft" }, rankInWords(model)));
}

/** Show the nearest films that readers reported as normal. */
export function showNearest(/** @type {HTMLElement} */ place, /** @type {Look["nearest"]} */ nearest, /** @type {{ onBeside: (near: Look["nearest"][number]) => void }} */ { onBeside }) {
  place.hidden = false;
  refill(
    place,
    el("h3", {}, "Nearest films reported normal"),
    nearest.length === 0 && el("p", { class: "small soft" }, "None yet: no reader has reported a film like it normal here."),
    nearest.length > 0 && el("div", { class: "nearest" }, nearest.map((near) =>
      el("button", { type: "button", onclick: () => onBeside(near), title: `Show beside (distance ${near.distance.toFixed(2)})` },
        el("img", { src: `/api/v1/films/${near.film}/thumbnail.png`, alt: `Film reported normal, distance ${near.distance.toFixed(2)}`, loading: "lazy" })))),
  );
}

/** Show the properties of the film itself. */
export function showFacts(/** @type {HTMLElement} */ place, /** @type {Study["films"][number]} */ film, /** @type {Page.FilmOfApi | null} */ shown) {
  /** @type {[string, string | null | undefined | false | 0][]} */
  const rows = [
    ["View", film.view_position],
    ["Size", shown && `${shown.width} × ${shown.height}, ${shown.bits} bits`],
    ["Pixel spacing", shown?.spacingMm && `${shown.spacingMm.toFixed(3)} mm`],
    ["Format", film.file_format],
    ...TAGS.map((tag) => /** @type {[string, string]} */ ([tag.replace(/([a-z])([A-Z])/g, "$1 $2"), film.tags[tag]])),
    ["Film", film.film],
    ["SHA-256 of the file", film.sha256],
  ];
  refill(place, rows.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    film.copies.length > 0 && [el("dt", {}, "Copies"), el("dd", { id: "copies" }, copiesInWords(film))]);
}

/** Return a duration: 1.4 s, 12 s, 3 min. */
const seconds = (/** @type {number} */ ms) => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000));

/** Show the study's reports and history; a report from another system can be confirmed. */
export function showPast(/** @type {HTMLElement} */ place, /** @type {Pick<Study, "reports" | "history">} */ { reports, history }, /** @type {() => void} */ onConfirm) {
  const latest = reports.filter((one) => !one.undone).at(-1);
  const said = reports.map((report) =>
    el("li", { class: report.undone ? "undone" : "" },
      el("b", {}, report.outcome ?? HOW[report.how] ?? "reported"), ` ${report.elsewhere ? "elsewhere" : `by ${report.reader}`}, ${date(report.made)}`,
      report.outcome !== null && HOW[report.how] && el("span", { class: "soft" }, ` · ${HOW[report.how]}`),
      report.dwell_ms !== null && report.dwell_ms !== undefined && el("span", { class: "soft" }, ` · film shown for ${seconds(report.dwell_ms)}`),
      report.confirmed_by && el("span", { class: "soft" }, ` · confirmed by ${report.confirmed_by}`),
      report === latest && report.how === "elsewhere" && !report.confirmed_by && (report.outcome === "normal" || report.outcome === "abnormal") &&
        el("button", { type: "button", class: "quiet", id: "confirm-report", onclick: onConfirm, title: "The films agree with this outcome" }, "Confirm"),
      report.undone && el("span", { class: "soft" }, " · taken back"), report.note && el("p", { class: "note" }, report.note)));
  const happened = history.map((event) =>
    el("li", {}, el("time", { datetime: event.time }, date(event.time)), ` ${ACTIONS[event.action] ?? event.action} `, el("span", { class: "soft" }, event.actor)));
  refill(
    place,
    said.length > 0 && el("h3", {}, "Reports"), said.length > 0 && el("ul", { class: "past" }, said),
    happened.length > 0 && el("h3", {}, "History"), happened.length > 0 && el("ol", { class: "past" }, happened),
    said.length + happened.length === 0 && el("p", { class: "small soft" }, "Nothing was said of it yet."),
  );
}
