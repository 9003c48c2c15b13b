// @ts-check
// The viewer: a study's films at full depth, its report, and the next study without a page being loaded.
import { idleSeconds } from "./account.js";
import { $, api, failed, sentenceIn, statusOf, there, toast } from "./api.js";
import { FilmCanvas } from "./canvas.js";
import { onNews } from "./events.js";
import { films } from "./films.js";
import { away, beside } from "./viewer_beside.js";
import { Claims } from "./viewer_claims.js";
import { OUTCOMES, listen, tell } from "./viewer_keys.js";
import { Layers } from "./viewer_layers.js";
import { showClaim, showFacts, showHead, showPast } from "./viewer_panel.js";
import { Queue, firstOf } from "./viewer_queue.js";
import { painted, say, showFilms, tools } from "./viewer_tools.js";

const RENEW_MS = 5 * 60_000;
const NEWS_MS = 1500;
const GUARD_MS = 250; // a key that bounces, or is pressed twice, must not report the film that has just come
const AGAIN_MS = 3000; // until a film that could not be fetched is asked for again
const me = document.body.dataset.account ?? "";
const lead = document.body.dataset.role !== "reader";
const source = new URLSearchParams(location.search).get("source");

const outcomes = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-outcome]"));
const view = new FilmCanvas($("#film"));
const layers = new Layers(view, (near) => beside(view, near));
const queue = new Queue(me, source);
const claims = new Claims(me);
/** @typedef {Page.Returned<"GET /studies/{study}">} Study  @typedef {import("./viewer_keys.js").Outcome} Outcome */

let response = /** @type {Study | null} */ (null); // the study, as the API tells it
let shown = 0; // which of its films
let claim = /** @type {import("./viewer_claims.js").Claim | null} */ (null);
let looks = 0; // looks at the study so far: an answer that comes after a later one is dropped
let reported = /** @type {string[]} */ ([]); // studies that were reported here, the latest last
let busy = false;
let onScreen = /** @type {string | null} */ (null); // the study whose film is seen; no other one can be reported
let turn = 0;

const address = (/** @type {string} */ study) => `/studies/${study}${source === null ? "" : `?source=${encodeURIComponent(source)}`}`;
const named = () => decodeURIComponent(location.pathname.split("/").at(-1) ?? "");

/**
 * Show a study. began: when the reader asked for it; until: it is the reader's already, until then; follows: it came
 * after another, by itself.
 */
async function open(/** @type {string} */ study, { push = true, began = performance.now(), until = /** @type {string | null} */ (null), follows = false } = {}) {
  const mine = ++turn;
  const left = response;
  const found = queue.known(study) ?? (await api(`/studies/${study}`));
  if (mine !== turn) return;
  queue.at(study);
  if (left && left.entry.study !== found.entry.study) claims.leave(left.entry.study);
  response = found;
  claim = until ? { mine: true, until } : null;
  $("#note").value = "";
  away();
  if (push) history.pushState(null, "", address(study));
  await showFilm(firstOf(response), { began, name: follows ? "film-to-film" : "film-open" });
  if (mine !== turn) return;
  if (!until) await take();
  again().then(() => queue.refresh(study)).then(drawHead).catch(failed);
}

async function showFilm(/** @type {number} */ place, { began = performance.now(), name = "film-of-study" } = {}) {
  const { films: all, entry } = there(response);
  const film = all[place];
  const { study } = entry;
  shown = place;
  onScreen = null;
  view.show(null); // never the last film beside the next one's name; what was fetched comes before anything is painted
  layers.film(film.film);
  drawPanel();
  let pixels = null;
  let problem = "";
  let again = false; // a film that could not be fetched is not seen, and one that cannot be decoded never will be
  try {
    pixels = await films.get(film.film);
  } catch (error) {
    problem = sentenceIn(error);
    again = ![404, 422].includes(statusOf(error));
  }
  if (response?.entry.study !== study || shown !== place) return;
  view.label = `Chest film ${place + 1} of ${response.films.length}${film.view_position ? `, ${film.view_position}` : ""}`;
  view.show(pixels);
  $("#absent").textContent = problem;
  $("#absent").hidden = problem === "";
  showFacts($("#facts"), film, pixels);
  await painted();
  if (response?.entry.study !== study || shown !== place) return;
  setTimeout(() => {
    if (response?.entry.study !== study || shown !== place) return;
    if (again) return showFilm(place, { began, name }).catch(failed);
    onScreen = study;
    drawDecide();
  }, again ? AGAIN_MS : GUARD_MS);
  performance.measure(name, { start: began, end: performance.now(), detail: { study, film: film.film } });
  Object.assign($("#viewer").dataset, { study, film: film.film }); // what is on the screen
  $("#said").textContent = `${view.label}, source ${response.entry.source}.`;
  api(`/films/${film.film}/look`)
    .then((look) => { if (response?.entry.study === study && shown === place) layers.look(look); })
    .catch(failed);
}

/** Take the study for reading, where its state allows it. */
async function take() {
  const { study, acts } = there(response).entry;
  if (!acts.includes("claim")) return;
  const { until, error } = await claims.take(study);
  if (response?.entry.study !== study) return;
  looks++; // what was asked before this answer may not know of it
  if (error && error.status !== 409) failed(error);
  if (until) claim = { mine: true, until };
  else if (error && (error.status === 409 || !claim?.mine)) claim = { mine: false, sentence: error.message, open: true };
  drawPanel(); // a server that could not be reached has taken nothing away
}

/** Look at the study again; what is written in the note stays. */
async function again() {
  const { study } = there(response).entry;
  const mine = ++looks;
  const fresh = await api(`/studies/${study}`);
  if (mine !== looks || response?.entry.study !== study || response.films.length === 0) return;
  response = fresh;
  claim = claims.heard(response.entry, claim);
  drawPanel();
}

async function report(/** @type {Outcome} */ outcome, /** @type {number} */ began) {
  if (onScreen === null || onScreen !== response?.entry.study) return;
  const study = onScreen;
  if (!claim?.mine) {
    toast(claim?.sentence ?? "This study is not yours yet. Try again in a moment, or see its state at the top right.", { kind: "bad" });
    return;
  }
  await once(async () => {
    const following = queue.next[0]?.study;
    const asked = following === undefined ? null : { study: following, answer: claims.take(following) }; // while the report is written
    try {
      await api(`/studies/${study}/report`, { body: { outcome, note: $("#note").value } });
    } catch (error) {
      if (asked && (await asked.answer).until) await claims.leave(asked.study);
      throw error;
    }
    claims.done(study);
    reported.push(study);
    queue.pass(study);
    say(`Reported ${outcome}.`, { action: "Undo (Z)", run: undo });
    await next({ began, asked });
  });
}

/** The next study that nobody else has; `asked`: the one that was asked for already. */
async function next(/** @type {{ began: number, asked?: { study: string, answer: ReturnType<Claims["take"]> } | null }} */ { began, asked = null }) {
  const tried = new Set();
  for (;;) {
    if (!asked && queue.next.every((row) => tried.has(row.study))) await queue.refresh(there(response).entry.study);
    const study = asked?.study ?? queue.next.find((row) => !tried.has(row.study))?.study;
    if (!study) return finished();
    const { until, error } = await (asked?.answer ?? claims.take(study));
    if (until !== undefined) return open(study, { began, until, follows: true });
    if (error.status !== 409) throw error;
    tried.add(study);
    asked = null;
  }
}

/** Nothing is left: say so where the film was. */
function finished() {
  turn++;
  const left = there(response);
  claims.leave(left.entry.study);
  onScreen = null;
  response = { ...left, entry: { ...left.entry, acts: [] }, films: [], reports: [], history: [] };
  claim = null;
  view.show(null);
  layers.film(null);
  delete $("#viewer").dataset.study;
  $("#absent").textContent = "Nothing else is left to read here. New films come to the list by themselves.";
  $("#absent").hidden = false;
  drawPanel();
}

function skip() {
  return once(async () => {
    queue.pass(there(response).entry.study);
    await next({ began: performance.now() });
  });
}

function undo() {
  return once(async () => {
    const { entry } = there(response);
    const own = entry.acts.includes("undo") ? entry.study : null;
    const study = own ?? reported.at(-1);
    if (!study) return say("There is no report of yours to take back here.");
    await api(`/studies/${study}/undo`, { method: "POST" });
    reported = reported.filter((one) => one !== study);
    queue.offerAgain(study);
    say("The report was taken back; the study is yours again.");
    if (study === response?.entry.study && response.films.length > 0) await again();
    else await open(study);
  });
}

/** One change at a time: a key that is pressed twice reports one study. */
async function once(/** @type {() => Promise<unknown>} */ change) {
  if (busy) return;
  busy = true;
  drawDecide();
  try {
    await change();
  } catch (error) {
    failed(error);
  } finally {
    busy = false;
    drawDecide();
  }
}

function drawPanel() {
  const study = there(response);
  drawHead();
  showClaim($("#claim"), claim, { onTake: () => take().catch(failed) });
  showFilms(study.films, shown, (place) => showFilm(place).catch(failed));
  showPast($("#past"), study);
  drawDecide();
  document.title = `${study.entry.source} · film · unseen`;
  $("#title").textContent = `Film of ${study.entry.source}`;
}

function drawHead() {
  const total = queue.more ? `${queue.total}+` : queue.total;
  showHead($("#head"), { entry: there(response).entry, position: queue.place, total, until: claim?.mine ? claim.until : null });
}

function drawDecide() {
  const open = claim?.mine === true && !busy && onScreen === response?.entry.study;
  for (const button of outcomes) button.disabled = !open;
  const latest = response?.reports.filter((one) => !one.undone).at(-1);
  const undoable = response?.entry.acts.includes("undo") && (lead || latest?.reader === me);
  $("#undo").disabled = busy || (reported.length === 0 && !undoable);
  $("#skip").disabled = busy || !response;
}

async function back() {
  if (response) await claims.leave(response.entry.study);
  location.assign(source === null ? "/" : `/?source=${encodeURIComponent(source)}`);
}

/** What a key does on this page. */
function act(/** @type {string} */ key, /** @type {KeyboardEvent} */ event) {
  if (event.repeat && /^[nauzsm]$/.test(key)) return true; // one press, one act
  const research = layers.mode === "research";
  if (OUTCOMES[key] && !event.shiftKey) report(OUTCOMES[key], event.timeStamp);
  else if (key === "z") undo();
  else if (key === "s") skip();
  else if (key === "?") tell();
  else if (key === "m") layers.setMode(research ? "triage" : "research");
  else if (key === "Escape") away() || back();
  else if (key === "r" && research) layers.heat({ other: event.shiftKey });
  else if (key === "l" && research) layers.toggle("lungs");
  else if (key === "o" && research) layers.stepOpacity(0);
  else if ((key === "+" || key === "=") && research) layers.stepOpacity(10);
  else if (key === "-" && research) layers.stepOpacity(-10);
  else if (/^[1-9]$/.test(key) && research) layers.chooseModel(Number(key) - 1);
  else if ((key === "ArrowLeft" || key === "ArrowRight") && !event.shiftKey && response && response.films.length > 1) {
    const { length } = response.films;
    showFilm((shown + (key === "ArrowLeft" ? length - 1 : 1)) % length).catch(failed);
  } else return false;
  return true;
}

tools(view);
listen(act, view);
for (const button of outcomes) {
  button.addEventListener("click", (event) => report(/** @type {Outcome} */ (button.dataset.outcome), event.timeStamp));
}
$("#undo").addEventListener("click", undo);
$("#skip").addEventListener("click", skip);
$("#back").addEventListener("click", (event) => { event.preventDefault(); back(); });
addEventListener("popstate", () => open(named(), { push: false }).catch(failed));
const attended = () => !document.hidden && idleSeconds() < RENEW_MS / 1000;
setInterval(() => { if (claim?.mine && attended()) take().then(again).catch(failed); }, RENEW_MS);
addEventListener("pagehide", () => claims.leaveAll());
addEventListener("pageshow", (event) => { if (event.persisted) open(named(), { push: false }).catch(failed); });
let news = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
onNews(() => {
  clearTimeout(news);
  news = setTimeout(() => {
    if (busy || !response) return;
    if (response.films.length > 0) Promise.all([again(), queue.refresh()]).then(drawHead).catch(failed);
    else if (attended()) queue.refresh().then(() => (queue.next.length > 0 ? once(() => next({ began: performance.now() })) : undefined)).catch(failed);
  }, NEWS_MS);
});
open(named(), { push: false }).then(() => view.canvas.focus({ preventScroll: true })).catch((error) => {
  $("#absent").textContent = error.message;
  $("#absent").hidden = false;
});
