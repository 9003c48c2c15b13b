// @ts-check
// Live page: uploads films three at a time and asks for their scores until they are there.

import { $, ApiError, api, el, sentenceIn, statusOf } from "./api.js";
import { session } from "./browser_storage.js";
import { clock } from "./dates.js";
import { chosen, dropped } from "./dropped.js";
import { onNews } from "./events.js";
import { cardOf, outcome } from "./live_card.js";
import { csv, rowsOf } from "./live_table.js";
import { numberOf } from "./numbers.js";
import { failed, toast } from "./toasts.js";

const AT_ONCE = 3;
const RETRIES_MS = [1000, 3000, 8000];
const ASKED_AT_ONCE = 2; // the workers process the oldest film first
const SOON_MS = 120; // interval shortly after a change
const LATER_MS = 1000;
const SOON_FOR_MS = 4000;
const REMEMBERED = 200;

const blind = document.body.dataset.blind === "yes";
const memory = `unseen.live.${document.body.dataset.account}`;

/** Items dropped on this page, in order. state: waiting, sending, sent, done, refused, stopped. */
/** @typedef {import("./live_card.js").Item} Item */
/** @type {Item[]} */
let items = [];
/** Films that are not scored yet: items by film name. @type {Map<string, Item[]>} */
const pending = new Map();

// adding films ---------------------------------------------------------------------------------------------------------

function take(/** @type {ReturnType<typeof chosen>} */ { films, litter }, /** @type {number} */ began) {
  if (litter) toast(`${numberOf(litter, "file was", "files were")} left out: a system's own, or a DICOM folder's index.`);
  if (!films.length) return void (litter || toast("There is no file in what was dropped."));
  const source = $("#source").value.trim() || "dropped";
  const time = clock(Date.now());
  const batch = section(`${numberOf(films.length, "film")} from ${source}, ${time}`);
  for (const { file, name } of films) items.push({ file, name, source, batch, began, state: "waiting" });
  show();
  send();
}

function section(/** @type {string} */ title) {
  const cards = el("div", { class: "cards" });
  const made = el("section", { class: "batch" }, el("h2", {}, title), cards);
  $("#results").prepend(made);
  return cards;
}

// uploads --------------------------------------------------------------------------------------------------------------

function send() {
  let free = AT_ONCE - items.filter((item) => item.state === "sending").length;
  for (const item of items) {
    if (free <= 0) break;
    if (item.state !== "waiting") continue;
    item.state = "sending";
    free -= 1;
    upload(item).finally(() => { show(); send(); });
  }
}

/** @returns {Promise<void>} */
async function upload(/** @type {Item} */ item, tries = 0) {
  const { file, name = "", source = "" } = item;
  if (!file) return;
  const headers = {
    "Content-Type": "application/octet-stream",
    "X-Film-Name": encodeURIComponent(name),
    "X-Film-Source": encodeURIComponent(source),
  };
  try {
    const received = await api("/films", { method: "POST", body: file, headers });
    Object.assign(item, { state: "sent", film: received.film, already: received.already, file: null, problem: null });
    performance.mark("film-acknowledged", { detail: { film: item.film } });
    remember();
    wait(item);
  } catch (error) {
    const comesBack = error instanceof ApiError && [0, 408, 503].includes(error.status); // sending the same bytes again returns the same response
    if (comesBack && tries < RETRIES_MS.length) {
      await new Promise((resolve) => setTimeout(resolve, RETRIES_MS[tries]));
      return upload(item, tries + 1);
    }
    Object.assign(item, { state: "refused", problem: sentenceIn(error) });
    place(item);
  }
}

function stop() {
  for (const item of items) if (item.state === "waiting") item.state = "stopped";
  show();
}

function sendAgain() {
  for (const item of items) {
    if (item.state !== "stopped" && item.state !== "refused") continue;
    item.card?.remove();
    Object.assign(item, { state: "waiting", card: null, problem: null, began: performance.now() });
  }
  show();
  send();
}

// polling for scores ---------------------------------------------------------------------------------------------------

let asking = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let happened = 0;
let turn = 0;

function wait(/** @type {Item} */ item) {
  const { film } = item;
  if (film === undefined) return;
  pending.set(film, [...(pending.get(film) ?? []), item]);
  happened = performance.now();
  ask();
}

async function ask() {
  if (asking || !pending.size) return;
  asking = true;
  clearTimeout(timer);
  try {
    while (pending.size && (await Promise.all(next().map(askAfter))).includes(true)) show();
  } finally {
    asking = false;
  }
  timer = setTimeout(ask, performance.now() - happened < SOON_FOR_MS ? SOON_MS : LATER_MS);
}

/** Return the oldest films and, in turn, one of the others, so that a film that is tried again later does not block the rest. */
function next() {
  const names = [...pending.keys()];
  const oldest = names.slice(0, ASKED_AT_ONCE);
  const others = names.slice(ASKED_AT_ONCE);
  if (others.length) oldest.push(others[turn++ % others.length]);
  return oldest;
}

async function askAfter(/** @type {string} */ film) {
  const waiting = () => pending.get(film) ?? [];
  try {
    const status = await api(`/films/${film}`);
    if (!status.film.judged) return false;
    const look = blind ? null : await api(`/films/${film}/look`);
    for (const item of waiting()) finish(item, { status, look });
  } catch (error) {
    if (![404, 422].includes(statusOf(error))) return false; // the server is out of reach: asked again later
    for (const item of waiting()) finish(item, { problem: sentenceIn(error) });
  }
  pending.delete(film);
  happened = performance.now();
  return true;
}

function finish(/** @type {Item} */ item, /** @type {Partial<Pick<Item, "status" | "look" | "problem">>} */ found) {
  Object.assign(item, found, { state: "done", name: item.name ?? found.status?.film.name ?? item.film, source: item.source ?? found.status?.film.source });
  if (item.began !== undefined) {
    const measured = performance.measure("drop-to-score", { start: item.began, end: performance.now(), detail: { film: item.film } });
    item.seconds = measured.duration / 1000;
  }
  place(item);
}

// results --------------------------------------------------------------------------------------------------------------

/** Insert an item's card at the item's position in the drop, whatever the order of arrival. */
function place(/** @type {Item} */ item) {
  const card = cardOf(item);
  item.card = card;
  const later = items.slice(items.indexOf(item) + 1).find((one) => one.batch === item.batch && one.card);
  item.batch.insertBefore(card, later?.card ?? null);
}

function show() {
  const count = (/** @type {Item["state"][]} */ ...states) => items.filter((item) => states.includes(item.state)).length;
  const n = items.length - count("stopped");
  const unread = items.filter((item) => item.state === "done" && (item.problem || outcome(item).word === "not scored")).length;
  const [sent, done, refused, stopped] = [count("sent", "done"), count("done"), count("refused"), count("stopped")];
  const parts = [`${sent} of ${n} sent`, `${done - unread} scored`];
  if (unread) parts.push(`${unread} could not be scored`);
  if (refused) parts.push(`${refused} refused`);
  if (stopped) parts.push(`${stopped} not sent`);
  const words = parts.join(" · ");
  const over = done + refused === n;
  document.body.classList.toggle("filled", items.length > 0);
  $("#going").hidden = !items.length;
  Object.assign($("#bar"), { max: Math.max(1, n), value: done + refused });
  $("#progress-text").textContent = words;
  $("#stop").hidden = !count("waiting");
  $("#again").hidden = !(refused + stopped) || count("waiting", "sending") > 0;
  $("#table").disabled = !items.some((item) => item.card);
  $("#clear").disabled = !over;
  $("#going").classList.toggle("over", over);
  tell(over ? `All is done: ${words}.` : words, over);
}

let response = 0;
let last = "";
/** Announce the progress to screen readers: every few seconds, and at the end. */
function tell(/** @type {string} */ words, /** @type {boolean} */ end) {
  if (words === last || (!end && performance.now() - response < 4000) || !items.length) return;
  [response, last] = [performance.now(), words];
  $("#aloud").textContent = words;
}

function remember() {
  const films = items.filter((item) => item.film).map((item) => item.film);
  session.set(memory, JSON.stringify([...new Set(films)].slice(-REMEMBERED)));
}

/** Restore the sent films after a reload, with their state on the server. */
function recall() {
  /** @type {string[]} */
  const films = session.json(memory, []);
  if (!films.length) return;
  const batch = section("Sent before this page was loaded anew");
  for (const film of films) {
    /** @type {Item} */
    const item = { film, batch, state: "sent" };
    items.push(item);
    wait(item);
  }
  show();
}

function clear() {
  items = [];
  $("#results").replaceChildren();
  session.remove(memory);
  show();
  $("#files").focus();
}

function download() {
  const rows = rowsOf(items.filter((item) => item.card), ($(".limits").textContent ?? "").trim());
  const address = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv;charset=utf-8" }));
  el("a", { href: address, download: "scores.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// the page -------------------------------------------------------------------------------------------------------------

for (const id of /** @type {const} */ (["#files", "#folder"])) {
  const input = $(id);
  input.addEventListener("change", () => {
    if (input.files) take(chosen(input.files), performance.now());
    input.value = ""; // allows choosing the same file again
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") input.click(); // it looks like a button, but browsers only react to the space bar
  });
}
let over = 0;
const isFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => {
  if (isFiles(event) && (over += 1)) $("#over").hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (isFiles(event) && (over -= 1) <= 0) $("#over").hidden = true;
});
document.addEventListener("dragover", (event) => {
  if (isFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer || !isFiles(event)) return;
  event.preventDefault();
  over = 0;
  $("#over").hidden = true;
  const began = performance.now();
  dropped(event.dataTransfer).then((found) => take(found, began)).catch((error) => failed(new Error(`The folder cannot be read: ${sentenceIn(error)}`)));
});
addEventListener("beforeunload", (event) => {
  if (items.some((item) => item.state === "waiting" || item.state === "sending")) event.preventDefault();
});
$("#stop").addEventListener("click", stop);
$("#again").addEventListener("click", sendAgain);
$("#table").addEventListener("click", download);
$("#clear").addEventListener("click", clear);
onNews(ask);
recall();
const known = document.querySelector("#sources"); // only present for accounts that may send for any source
if (known) api("/studies/sources").then(({ sources }) => known.replaceChildren(...sources.map((name) => el("option", { value: name })))).catch(failed);
