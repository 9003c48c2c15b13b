// @ts-check
// Rows of the list: one element a study, kept while the study stays on the page, so that nothing flickers.
import { $, el, span } from "./api.js";
import { date } from "./dates.js";
import { numberOf } from "./numbers.js";
import { placeOf, scoreInWords, whole } from "./percent_words.js";

const MARKED_MS = 6000;

/** @typedef {Page.Returned<"POST /studies/search">["rows"][number]} Entry  @typedef {Page.Returned<"POST /studies/search">["groups"][number]} Group */
/** @typedef {NonNullable<ReturnType<Rows["parts"]>>} Row */

/** @type {Record<string, [words: string, kind: string]>} */
const CHIPS = {
  received: ["on its way", "plain"],
  scored: ["being scored", ""],
  to_read: ["to read", "plain"],
  cleared: ["cleared", "good"],
  not_scored: ["not scored", "warn"],
  reported: ["reported", ""],
  reported_elsewhere: ["elsewhere", ""],
  set_aside: ["set aside", ""],
};

function chip(/** @type {Entry} */ entry, /** @type {string} */ me) {
  if (entry.claimed_by !== null) return [entry.claimed_by === me ? "you have it" : `${entry.claimed_by} has it`, entry.claimed_by === me ? "mine" : "taken"];
  if (entry.state === "in_reading") return ["to read", "plain"]; // the claim has expired
  if (entry.state === "set_aside") return [entry.how ?? "set aside", ""];
  if (entry.state === "reported") return [entry.outcome ?? "reported", entry.outcome ?? ""];
  return CHIPS[entry.state];
}

export class Rows {
  #body = $("#rows");
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {string[]} */
  #order = [];

  /** @param {{ me: string, isLead: boolean, blind: boolean, list: () => URLSearchParams, now: () => number }} page */
  constructor(page) {
    this.page = page;
    setInterval(() => this.tick(), 1000);
  }

  get order() { return this.#order; }
  entry(/** @type {string | null} */ study) { return (study === null ? null : this.#rows.get(study)?.entry) ?? null; }
  element(/** @type {string} */ study) { return this.#rows.get(study)?.row ?? null; }

  /** Show studies in this order; `isNew(entry)` returns true for rows to be marked. */
  show(/** @type {Entry[]} */ entries, /** @type {{ offset: number | null, isNew: (entry: Entry) => boolean }} */ { offset, isNew }) {
    const focused = /** @type {HTMLElement | null | undefined} */ (document.activeElement?.closest("tr[data-study]"));
    for (const group of this.#body.querySelectorAll("tr.group")) group.remove(); // drawn again below
    const wanted = entries.map((entry) => entry.study);
    for (const study of this.#order.filter((one) => !wanted.includes(one))) this.remove(study);
    for (const [index, entry] of entries.entries()) {
      const known = this.#rows.get(entry.study) ?? this.#made(entry.study);
      const scoredNow = known.entry?.state === "received" && entry.state !== "received";
      known.entry = entry;
      this.#fill(known, entry, offset === null ? null : offset + index + 1);
      const here = this.#body.children[index] ?? null;
      if (here !== known.row) this.#body.insertBefore(known.row, here);
      if (scoredNow || isNew(entry)) mark(known.row);
    }
    this.#order = wanted;
    // a row loses the focus when it is moved
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    this.tick();
  }

  /** Add a row at the top for each group of studies that were not scored for the same reason. */
  showGroups(/** @type {Group[]} */ groups, /** @type {(clause: string) => void} */ onOpen) {
    const columns = this.page.blind ? 6 : 7;
    this.#body.prepend(...groups.map(({ clause, words }) =>
      el("tr", { role: "row", class: "group" },
        el("td", { role: "gridcell", colspan: columns }, el("button", { type: "button", class: "quiet", onclick: () => onOpen(clause) }, words), el("span", { class: "soft small" }, " all are to be read: open the group")))));
  }

  /** Remove a row. */
  remove(/** @type {string} */ study) {
    this.#rows.get(study)?.row.remove();
    this.#rows.delete(study);
    this.#order = this.#order.filter((one) => one !== study);
  }

  busy(/** @type {string} */ study, /** @type {boolean} */ is) { this.element(study)?.classList.toggle("busy", is); }

  /** Select one row and no other. */
  select(/** @type {string | null} */ study) {
    for (const [name, { row }] of this.#rows) {
      const is = name === study;
      if ((row.getAttribute("aria-selected") === "true") !== is) row.setAttribute("aria-selected", String(is));
      row.tabIndex = is || (study === null && name === this.#order[0]) ? 0 : -1;
    }
  }

  /** Update the times. */
  tick() {
    for (const { entry, time } of this.#rows.values()) {
      if (entry === null) continue;
      const since = Date.parse(onShelf(entry) ? entry.changed : entry.received);
      const said = span((this.page.now() - since) / 1000) + (onShelf(entry) ? " ago" : "");
      if (time.textContent !== said) time.textContent = said;
    }
  }

  #made(/** @type {string} */ study) {
    const made = this.parts(study);
    this.#rows.set(study, made);
    return made;
  }

  /** Return the empty elements of a row. */
  parts(/** @type {string} */ study) {
    const href = `/studies/${study}`;
    const cell = (/** @type {string} */ name, /** @type {Node[]} */ ...children) => el("td", { role: "gridcell", class: name }, ...children);
    const parts = {
      place: el("span", {}),
      thumb: el("a", { class: "thumb", tabindex: "-1", "aria-hidden": "true", href }),
      link: el("a", { tabindex: "-1", href }),
      under: el("span", { class: "under" }),
      bar: el("span", { class: "bar-track", "aria-hidden": "true" }, el("span", { class: "bar-fill" })),
      value: el("span", { class: "value" }),
      score: el("span", { class: "under" }),
      source: cell("source"),
      time: el("time", {}),
      overdue: el("span", { class: "chip warn", title: "It waits longer than the cap, and goes before the priorities" }, "overdue"),
      chip: el("span", { class: "chip" }),
      reader: el("span", { class: "under" }),
    };
    const box = this.page.isLead && el("input", { type: "checkbox", tabindex: "-1", "aria-label": `Choose ${study}` });
    const row = el(
      "tr",
      { role: "row", "data-study": study, "aria-selected": "false", tabindex: "-1" },
      cell("place", ...(box ? [box] : []), parts.place),
      cell("film", parts.thumb),
      cell("says", parts.link, parts.under),
      !this.page.blind && cell("measure", el("span", { class: "measured" }, parts.bar, parts.value), parts.score),
      parts.source,
      cell("time", parts.time, parts.overdue),
      cell("state", parts.chip, parts.reader),
    );
    return { row, entry: /** @type {Entry | null} */ (null), film: /** @type {string | null} */ (null), ...parts };
  }

  #fill(/** @type {Row} */ known, /** @type {Entry} */ entry, /** @type {number | null} */ place) {
    const { row } = known;
    const { blind, me } = this.page;
    const list = this.page.list();
    const href = `/studies/${entry.study}${list.size ? `?${list}` : ""}`;
    for (const link of [known.thumb, known.link]) if (link.getAttribute("href") !== href) link.setAttribute("href", href);
    say(known.place, place === null ? "" : String(place));
    if (place === null) row.removeAttribute("aria-rowindex");
    else row.setAttribute("aria-rowindex", String(place + 1));
    say(known.link, entry.words);
    say(known.under, entry.clause || [entry.study, entry.view, entry.films > 1 && numberOf(entry.films, "film"), entry.disagree && "models disagree"].filter(Boolean).join(" · "));
    say(known.reader, entry.assigned_to === null || entry.claimed_by === entry.assigned_to ? "" : `for ${entry.assigned_to === me ? "you" : entry.assigned_to}`);
    known.under.title = entry.reason ? `${entry.reason} · ${entry.study}` : "";
    row.classList.toggle("flagged", entry.flag || !!entry.reason);
    row.classList.toggle("unscored", !!entry.reason);
    row.classList.toggle("reading", entry.claimed_by !== null && entry.claimed_by !== me);
    say(known.source, entry.source);
    known.source.title = entry.source;
    known.time.dateTime = onShelf(entry) ? entry.changed : entry.received;
    known.time.title = `received ${date(entry.received)}`;
    known.overdue.hidden = !entry.overdue || onShelf(entry);
    const [state, kind] = chip(entry, me);
    say(known.chip, state);
    known.chip.className = `chip ${kind}`;
    if (!blind) {
      const { number, probability } = entry;
      known.bar.hidden = number === null;
      known.bar.style.setProperty("--share", String(number ?? 0));
      known.value.hidden = number === null;
      say(known.value, number === null ? "" : placeOf(number));
      const lines = entry.models.map(({ name, score, rank }) => `${name} ${Number(score.toPrecision(3))} · ${placeOf(rank).replace(" %", "\u00a0%")}`);
      if (probability !== null) lines.push(`probability ${whole(probability)}`);
      if (entry.score === null) lines.push(lines.length ? "no score of the model that decides" : "no score");
      if (known.score.textContent !== lines.join("")) known.score.replaceChildren(...lines.map((line) => el("span", { class: "line" }, line)));
      known.value.title = known.score.title = entry.models.map((one) => `${one.name}: ${scoreInWords(one)}`).join("\n");
    }
    if (known.film !== entry.film) {
      known.film = entry.film;
      const picture = entry.film && el("img", { src: `/api/v1/films/${entry.film}/thumbnail.png`, alt: "", loading: "lazy", decoding: "async" });
      if (picture) picture.addEventListener("error", () => picture.remove());
      known.thumb.replaceChildren(...(picture ? [picture] : []));
    }
  }
}

/** Report true if the time since the last change counts, and not the waiting time. */
export const onShelf = (/** @type {Entry} */ entry) => ["cleared", "reported", "reported_elsewhere", "set_aside"].includes(entry.state);

function say(/** @type {Element} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

function mark(/** @type {Element} */ row) {
  row.classList.remove("fresh");
  row.getBoundingClientRect(); // restarts the animation of the mark
  row.classList.add("fresh");
  setTimeout(() => row.classList.remove("fresh"), MARKED_MS);
}
