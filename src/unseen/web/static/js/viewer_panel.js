// The panel beside the film: where the study stands, why it stands there, what models made of it, what was said of it.
import { el, span } from "./api.js";
import { distribution, rankInWords } from "./viewer_chart.js";

const STATES = {
  received: ["waits for scoring", ""],
  scored: ["being scored", ""],
  to_read: ["to read", ""],
  cleared: ["cleared", ""],
  not_scored: ["not scored", "warn"],
  in_reading: ["in reading", ""],
  reported: ["reported", ""],
  reported_elsewhere: ["reported elsewhere", ""],
};
const ACTIONS = {
  "film.received": "came", "film.scored": "scored", "film.compared": "scored for comparison", "film.given_up": "could not be scored",
  "study.judged": "placed in the list", "study.claimed": "taken for reading", "study.claim_ran_out": "claim ran out",
  "study.released": "handed back", "study.reported": "reported", "study.reported_elsewhere": "reported elsewhere",
  "study.undone": "report taken back", "study.joined": "joined to another study", "study.requeued": "to be scored again",
};
const ROLES = { decides: "decides", compares: "", earlier: "earlier" };
const TAGS = ["Modality", "Manufacturer", "ManufacturerModelName", "PatientAge", "PatientSex"];

export const clock = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const day = (moment) => new Date(moment).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
const refill = (place, ...children) => place.replaceChildren(...children.flat().filter((child) => child));

/** Source, state, waiting time and place: what triage mode shows beside the film. */
export function showHead(place, { entry, position, total, until }) {
  const [words, kind] = STATES[entry.state] ?? [entry.state, ""];
  const waits = span((Date.now() - Date.parse(entry.received)) / 1000);
  const flags = [
    entry.overdue && el("span", { class: "chip warn" }, "waits too long"),
    entry.reason && entry.state === "not_scored" && el("span", { class: "chip warn" }, "look first"),
  ];
  refill(
    place,
    el("div", { class: "line" }, el("b", { class: "source" }, entry.source), el("span", { class: `chip ${kind}` }, words), ...flags),
    el("div", { class: "soft small" }, [
      `Came ${waits} ago`, position && `no. ${position} of ${total} to read`, until && `yours until ${clock(until)}`,
    ].filter(Boolean).join(" · ")),
    entry.reason && el("p", { class: "small reason" }, entry.reason),
  );
}

/** Whose study it is, where it is not the reader's own. */
export function showClaim(place, claim, { onTake }) {
  place.hidden = !claim || claim.mine;
  refill(place, claim && !claim.mine && el("span", {}, claim.sentence), claim?.open && el("button", { type: "button", onclick: onTake }, "Take it"));
}

/** The decision in plain words, and the probability as a bar. */
export function showWords(place, look) {
  const parts = [];
  if (look.probability !== null) {
    const share = Math.round(100 * look.probability);
    const bar = el("span", {});
    bar.style.width = `${share}%`;
    parts.push(
      el("div", { class: "probability" },
        el("div", { class: "meter", role: "meter", "aria-label": "Probability of being abnormal", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": share }, bar),
        el("b", {}, `${share} %`)),
    );
  }
  const [first, ...more] = look.words;
  refill(place, first && el("p", { class: "first" }, first), ...parts, ...more.map((words) => el("p", { class: "small soft" }, words)));
}

/** Models to choose from; the keys 1 to 9 do the same. */
export function showModels(place, models, chosen, { onChoose }) {
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
        el("span", { class: "share" }, model.rank === null ? "–" : `${(100 * model.rank).toFixed(0)} %`),
      );
    }),
  );
}

/** The chosen model's score among the reference. */
export function showChart(place, model) {
  place.hidden = !model || model.score === null;
  if (place.hidden) return;
  refill(place, el("h3", {}, "Score among the reference"), distribution(model), el("p", { class: "small soft" }, rankInWords(model)));
}

/** The nearest films that readers reported normal. */
export function showNearest(place, nearest, { onBeside }) {
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

/** What is known of the film itself. */
export function showFacts(place, film, shown) {
  const rows = [
    ["View", film.view_position],
    ["Size", shown && `${shown.width} × ${shown.height}, ${shown.bits} bits`],
    ["Pixel spacing", shown?.spacingMm && `${shown.spacingMm.toFixed(3)} mm`],
    ["Format", film.file_format],
    ...TAGS.map((tag) => [tag.replace(/([a-z])([A-Z])/g, "$1 $2"), film.tags[tag]]),
    ["Film", film.film],
  ];
  refill(place, rows.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** Reports, and what happened to the study. */
export function showPast(place, { reports, history }) {
  const said = reports.map((report) =>
    el("li", { class: report.undone ? "undone" : "" },
      el("b", {}, report.outcome ?? "reported"), ` ${report.elsewhere ? "elsewhere" : `by ${report.reader}`}, ${day(report.made)}`,
      report.undone && el("span", { class: "soft" }, " · taken back"), report.note && el("p", { class: "note" }, report.note)));
  const happened = history.map((event) =>
    el("li", {}, el("time", { datetime: event.time }, day(event.time)), ` ${ACTIONS[event.action] ?? event.action} `, el("span", { class: "soft" }, event.actor)));
  refill(
    place,
    said.length > 0 && el("h3", {}, "Reports"), said.length > 0 && el("ul", { class: "past" }, said),
    happened.length > 0 && el("h3", {}, "History"), happened.length > 0 && el("ol", { class: "past" }, happened),
    said.length + happened.length === 0 && el("p", { class: "small soft" }, "Nothing was said of it yet."),
  );
}
