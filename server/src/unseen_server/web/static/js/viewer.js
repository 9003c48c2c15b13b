// @ts-check
// The viewer: a study's films at full depth, its report, and the next study without a page being loaded.
import { idleSeconds } from "./account.js";
import { $, api, sentenceIn, statusOf } from "./api.js";
import { session } from "./browser_storage.js";
import { FilmCanvas } from "./film_canvas.js";
import { onNews } from "./events.js";
import { fileInWords } from "./file_names.js";
import { numberOf } from "./numbers.js";
import { films, frameOf } from "./films.js";
import { AGAIN_MS, untilAnswered } from "./repeated.js";
import { ReportKeys, VIEWER_GUARD_MS, onePressOnly } from "./report_guard.js";
import { addressOf, asked, follow, list, restore, wayBack } from "./viewer_address.js";
import { away, beside } from "./viewer_second_film.js";
import { Claims } from "./viewer_claims.js";
import { Drafts } from "./viewer_drafts.js";
import { instruments, showFrames } from "./viewer_instruments.js";
import { tell } from "./viewer_key_help.js";
import { OUTCOMES, listen } from "./viewer_keys.js";
import { Layers } from "./viewer_layers.js";
import { showClaim, showFacts, showHead, showPast, showPerson, showWaiting } from "./viewer_panel.js";
import { Priors } from "./viewer_priors.js";
import { Queue, firstOf } from "./viewer_queue.js";
import { Reporting } from "./viewer_reporting.js";
import { confirmSeen, framesLeft, unseen, whyNot } from "./viewer_seen.js";
import { isShown, now, study as current } from "./viewer_state.js";
import { wireTags } from "./viewer_tags.js";
import { painted, showFilms, tools } from "./viewer_tools.js";
import { showConflict, showVersions } from "./viewer_versions.js";
import { SELECTED } from "./worklist_view.js";
import { failed, toast } from "./toasts.js";

const RENEW_MS = 5 * 60_000;
const NEWS_MS = 1500;
const SLOW_MS = 1500; // time after which the page states that a film is being fetched
const WAITING_MS = 10_000; // interval of updates of the waiting time
const me = document.body.dataset.account ?? "";
const lead = document.body.dataset.role !== "reader";

const outcomes = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-outcome]"));
const asides = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-aside]"));
const view = new FilmCanvas($("#film"));
const layers = new Layers(view, ({ film, study, distance }) => beside(view, { film, study, words: `Reported normal · distance ${distance.toFixed(2)}` }));
const priors = new Priors(view, () => now.response?.films[now.shown]?.view_position);
const queue = new Queue(me, list.body);
const claims = new Claims(me);
const drafts = new Drafts(me);
const reporting = new Reporting(claims, drafts, queue, { open, show: showFilm, frames: () => (onCanvas ? framesLeft(onCanvas) : []), again, finished, draw: drawDecide });
let looks = 0; // requests for the study so far: an answer is dropped if a later request was sent
let turn = 0;
let showing = 0; // film requests so far, to distinguish two requests for the same film
const reportKeys = new ReportKeys();
let onCanvas = /** @type {Page.FilmOfApi | null} */ (null);
let filled = ""; // the note as the page has filled it in
let described = ""; // film whose patient and properties are shown
let flag = false; // true if the study has a flag for earlier reading

const named = () => decodeURIComponent(location.pathname.split("/").at(-1) ?? "");

/**
 * Show a study. began: time of the reader's action; until: end of the reader's claim, if it exists already; follows: true if
 * the study opens automatically after another one.
 */
async function open(/** @type {string} */ study, { push = true, began = performance.now(), until = /** @type {string | null} */ (null), follows = false, wanted = asked("") } = {}) {
  const mine = ++turn;
  const left = now.response;
  const found = queue.known(study) ?? (await api(`/studies/${study}`));
  if (mine !== turn) return;
  queue.at(study);
  if (left && left.entry.study !== found.entry.study) {
    claims.leave(left.entry.study);
    drafts.flush(left.entry.study);
  }
  now.response = found;
  now.claim = until ? { mine: true, until } : null;
  now.since = null;
  $("#note").value = filled = drafts.of(found);
  $("#aside-reason").value = drafts.reasonOf(found.entry.study);
  away();
  priors.next(found.entry.study);
  flag = false;
  if (push) history.pushState(null, "", addressOf(study));
  const place = found.films.findIndex((film) => film.film === wanted.film);
  await showFilm(place < 0 ? firstOf(found) : place, { began, name: follows ? "film-to-film" : "film-open", frame: wanted.frame });
  if (mine !== turn) return;
  restore(view, wanted);
  priors.of(found.entry.study).catch(failed);
  if (!until) await take();
  again().then(() => queue.refresh(study)).then(drawHead).catch(failed);
}

async function showFilm(/** @type {number} */ place, { began = performance.now(), name = "film-of-study", frame = 0, repeated = false } = {}) {
  const { films: all, entry } = current();
  const film = all[place];
  const { study } = entry;
  const mine = ++showing;
  Object.assign(now, { shown: place, frame, onScreen: null, problem: "" });
  onCanvas = null;
  view.show(null); // the next film's label never appears with the last film; a fetched film is shown before the next paint
  layers.film(film.film);
  if (described !== film.film) describe(film.film);
  if (!repeated) absent("");
  drawPanel();
  const slow = setTimeout(() => { if (mine === showing && !repeated) absent("The film is being fetched …"); }, SLOW_MS);
  let pixels = /** @type {Page.FilmOfApi | null} */ (null);
  let problem = "";
  let retry = false; // a failed request is repeated, but a film that cannot be decoded is not requested again
  try {
    pixels = await films.get(frameOf(film.film, frame));
  } catch (error) {
    problem = sentenceIn(error);
    retry = ![404, 422].includes(statusOf(error));
  }
  clearTimeout(slow);
  if (mine !== showing || !isShown(study, film.film, frame)) return;
  onCanvas = pixels;
  nameFilm();
  view.show(pixels);
  showFrames(pixels?.about.frames ?? 1, frame, (chosen) => showFilm(now.shown, { frame: chosen }).catch(failed));
  showPerson($("#person"), pixels?.about.person ?? null, film.view_position);
  if (problem && !retry) {
    api(`/films/${film.film}/person`).then((person) => { if (isShown(study, film.film, frame)) showPerson($("#person"), person, film.view_position); }).catch(failed);
  }
  absent(problem && !retry ? `${problem} ${fileInWords(film)}` : problem);
  showFacts($("#facts"), film, pixels);
  if (pixels) inSight(study, film.film, pixels).catch(failed);
  await painted();
  const there = () => mine === showing && isShown(study, film.film, frame);
  if (!there()) return;
  if (retry) setTimeout(() => { if (there()) showFilm(now.shown, { began, name, frame, repeated: true }).catch(failed); }, AGAIN_MS);
  else openReport(there, { study, problem }).catch(failed);
  performance.measure(name, { start: began, end: performance.now(), detail: { study, film: film.film } });
  Object.assign($("#viewer").dataset, { study, film: film.film }); // the displayed film
  $("#said").textContent = `${view.label}, source ${entry.source}.`;
  results(study, film.film, there).catch(failed);
}

/** Fetch and show the models' results for a film, as long as it is shown. */
async function results(/** @type {string} */ study, /** @type {string} */ film, /** @type {() => boolean} */ there) {
  const look = await untilAnswered(() => api(`/films/${film}/look`), there, (sentence) => {
    layers.missing(sentence);
    if (layers.mode !== "research") toast(`It is not known whether this film has a flag. ${sentence}`, { kind: "bad" });
  });
  if (!look || !isShown(study, film)) return;
  flag = look.flag;
  layers.look(look);
  drawHead();
}

/** Remove the patient, the properties and the frames of the film before: they never stand next to another film. */
function describe(/** @type {string} */ film) {
  described = film;
  showPerson($("#person"), null, null);
  $("#facts").replaceChildren();
  showFrames(1, 0, () => {});
}

/** Show why there is no film; "" if there is one. */
function absent(/** @type {string} */ sentence) {
  $("#absent").textContent = sentence;
  $("#absent").hidden = sentence === "";
}

/** Name the film on the canvas by its number in the study. */
function nameFilm() {
  const { films: all } = current();
  const film = all[now.shown];
  const frames = onCanvas?.about.frames ?? 1;
  view.label = `Chest film ${now.shown + 1} of ${all.length}${film.view_position ? `, ${film.view_position}` : ""}${frames > 1 ? `, frame ${now.frame + 1} of ${frames}` : ""}`;
}

/**
 * Enable the report one second after the film was painted on a visible page.
 * @param {() => boolean} there  whether the film is still the one that is shown
 * @param {{ study: string, problem: string }} what
 */
async function openReport(there, { study, problem }) {
  while (!(await painted())) {
    if (!there()) return;
    if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
  if (!there()) return;
  now.since ??= performance.now();
  setTimeout(() => {
    if (!there()) return;
    Object.assign(now, { onScreen: study, problem });
    drawDecide();
  }, VIEWER_GUARD_MS);
}

/** Confirm to the server that the film was painted, as soon as the page is visible; skip a film that was left before. */
async function inSight(/** @type {string} */ study, /** @type {string} */ film, /** @type {Page.FilmOfApi} */ pixels) {
  const there = () => isShown(study, film, pixels.frame);
  while (!(await painted()) || view.given !== pixels) {
    if (!there()) return;
    if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
  if (!there()) return;
  await confirmSeen(pixels, there);
  drawDecide();
}

/** Claim the study for reading, if its state allows this. */
async function take() {
  const { study, acts } = current().entry;
  if (!acts.includes("claim")) return;
  const { until, error } = await claims.take(study);
  if (now.response?.entry.study !== study) return;
  looks++; // answers to earlier requests may not include this claim
  if (error && error.status !== 409) failed(error);
  if (until) now.claim = { mine: true, until };
  else if (error && (error.status === 409 || !now.claim?.mine)) now.claim = { mine: false, sentence: error.message, open: true };
  drawPanel(); // a failed request does not end a claim
}

/** Fetch the study again. A note that the reader has written is kept, and the film on the canvas remains the shown one. */
async function again() {
  const { study } = current().entry;
  const mine = ++looks;
  const fresh = await api(`/studies/${study}`);
  if (mine !== looks || now.response?.entry.study !== study || current().films.length === 0) return;
  if (fresh.entry.study !== study) return open(fresh.entry.study); // it was joined to another study
  const film = current().films[now.shown]?.film;
  now.response = fresh;
  now.claim = claims.heard(fresh.entry, now.claim);
  if ($("#note").value === filled && !drafts.unsent(study)) $("#note").value = filled = fresh.draft; // written on another page
  const place = fresh.films.findIndex((one) => one.film === film); // films come before it, and are removed
  if (place < 0) {
    toast("The film that was shown was removed from the study.");
    return showFilm(firstOf(fresh));
  }
  now.shown = place;
  if (onCanvas) nameFilm();
  drawPanel();
}

/** Show a message in place of the film if no study is left. */
function finished() {
  turn++;
  const left = current();
  claims.leave(left.entry.study);
  now.response = { ...left, entry: { ...left.entry, acts: [] }, films: [], reports: [], history: [] };
  Object.assign(now, { onScreen: null, claim: null, problem: "" });
  onCanvas = null;
  view.show(null);
  layers.film(null);
  describe("");
  delete $("#viewer").dataset.study;
  const { skipped } = queue;
  const rest = skipped ? `${numberOf(skipped, "study of this list is", "studies of this list are")} still to be read: you skipped ${skipped === 1 ? "it" : "them"}. ` : "";
  absent(`Nothing else is left to read here. ${rest}New films appear in the list automatically.`);
  drawPanel();
}

function drawPanel() {
  const study = current();
  drawHead();
  showClaim($("#claim"), now.claim, { onTake: () => take().catch(failed) });
  showFilms(study.films, now.shown, (place) => showFilm(place).catch(failed));
  showConflict($("#conflict"), study.entry.conflict);
  showVersions($("#versions"), study.films, now.shown);
  showPast($("#past"), study, () => confirmReport(study.entry.study).catch(failed));
  drawDecide();
  document.title = `${study.entry.source} · film · unseen`;
  $("#title").textContent = `Film of ${study.entry.source}`;
}

/** Confirm another system's report on a study whose films were displayed. */
async function confirmReport(/** @type {string} */ name) {
  await api(`/studies/${name}/confirm`, { method: "POST" });
  const response = await api(`/studies/${name}`);
  if (now.response?.entry.study === name) showPast($("#past"), response, () => confirmReport(name).catch(failed));
}

function drawHead() {
  const total = queue.more ? `${queue.total}+` : queue.total;
  showHead($("#head"), { entry: current().entry, position: queue.place, total, until: now.claim?.mine ? now.claim.until : null, flag });
}

function drawDecide() {
  const { response, claim, busy } = now;
  const open = claim?.mine === true && !busy && now.onScreen === response?.entry.study;
  const left = response ? unseen(response) : [];
  for (const button of outcomes) button.disabled = !open || left.length > 0;
  $("#why-not").textContent = response && claim?.mine ? whyNot(response, now.shown, now.problem, onCanvas ? framesLeft(onCanvas) : []) : "";
  $("#aside").hidden = !(now.problem && left.includes(now.shown) && claim?.mine);
  for (const button of asides) button.disabled = !open;
  const latest = response?.reports.filter((one) => !one.undone).at(-1);
  const undoable = response?.entry.acts.includes("undo") && (lead || latest?.reader === me);
  $("#undo").disabled = busy || (now.reported.length === 0 && !undoable);
  $("#skip").disabled = busy || !response;
}

async function back() {
  const study = now.response?.entry.study;
  if (study) {
    await claims.leave(study);
    session.set(SELECTED, study);
  }
  drafts.flush(study ?? "");
  location.assign(wayBack());
}

/** Handle a key of this page; return false if it has no function. */
function act(/** @type {string} */ key, /** @type {KeyboardEvent} */ event) {
  if (event.repeat && /^[zsmp]$/.test(key)) return true; // one action per press
  const research = layers.mode === "research";
  const films = now.response?.films.length ?? 0;
  if (OUTCOMES[key] && !event.shiftKey) {
    if (reportKeys.press(event)) reporting.report(OUTCOMES[key], event.timeStamp);
  }
  else if (key === "z") reporting.undo();
  else if (key === "s") reporting.skip();
  else if (key === "?") tell();
  else if (key === "p") priors.toggle()?.catch(failed);
  else if (key === "m") layers.setMode(research ? "triage" : "research");
  else if (key === "Escape") away() || back();
  else if (key === "r" && research) layers.heat({ other: event.shiftKey });
  else if (key === "l" && research) layers.toggle("lungs");
  else if (key === "o" && research) layers.stepOpacity(0);
  else if ((key === "+" || key === "=") && research) layers.stepOpacity(10);
  else if (key === "-" && research) layers.stepOpacity(-10);
  else if (/^[1-9]$/.test(key) && research) layers.chooseModel(Number(key) - 1);
  else if ((key === "ArrowLeft" || key === "ArrowRight") && !event.shiftKey && films > 1) {
    showFilm((now.shown + (key === "ArrowLeft" ? films - 1 : 1)) % films).catch(failed);
  } else if ((key === "ArrowUp" || key === "ArrowDown") && !event.shiftKey && onCanvas && onCanvas.about.frames > 1) {
    const { frames } = onCanvas.about;
    showFilm(now.shown, { frame: (now.frame + (key === "ArrowUp" ? frames - 1 : 1)) % frames }).catch(failed);
  } else return false;
  return true;
}

tools(view);
instruments(view);
wireTags(() => now.response?.films[now.shown]?.film);
listen(act, view);
$("#help").addEventListener("click", tell);
$("#note").addEventListener("input", () => { if (now.response) drafts.keep(now.response.entry.study, $("#note").value); });
$("#aside-reason").addEventListener("input", () => { if (now.response) drafts.keepReason(now.response.entry.study, $("#aside-reason").value); });
for (const button of outcomes) {
  button.addEventListener("click", (event) => reporting.report(/** @type {import("./viewer_keys.js").Outcome} */ (button.dataset.outcome), event.timeStamp));
}
onePressOnly([...outcomes, ...asides]);
for (const button of asides) {
  button.addEventListener("click", (event) => reporting.setAside(button.dataset.aside === "returned" ? "returned" : "discarded", $("#aside-reason").value, event.timeStamp));
}
$("#undo").addEventListener("click", () => reporting.undo());
$("#skip").addEventListener("click", () => reporting.skip());
$("#back").addEventListener("click", (event) => { event.preventDefault(); back(); });
addEventListener("popstate", () => open(named(), { push: false, wanted: asked() }).catch(failed));
const attended = () => !document.hidden && idleSeconds() < RENEW_MS / 1000;
setInterval(() => { if (now.claim?.mine && attended()) take().then(again).catch(failed); }, RENEW_MS);
setInterval(() => { if (now.response && !document.hidden) showWaiting($("#head"), now.response.entry); }, WAITING_MS);
addEventListener("pagehide", () => { claims.leaveAll(); drafts.flush(now.response?.entry.study ?? ""); });
addEventListener("pageshow", (event) => { if (event.persisted) open(named(), { push: false, wanted: asked() }).catch(failed); });
let news = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
onNews(() => {
  clearTimeout(news);
  news = setTimeout(() => {
    if (now.busy || !now.response) return;
    if (current().films.length > 0) Promise.all([again(), queue.refresh()]).then(drawHead).catch(failed);
    else if (attended()) queue.refresh().then(() => (queue.next.length > 0 ? reporting.once(() => reporting.next({ began: performance.now() })) : undefined)).catch(failed);
  }, NEWS_MS);
});
const first = asked(); // read before `follow` changes the address
follow(view, layers);
layers.restore(first);
open(named(), { push: false, wanted: first }).then(() => view.canvas.focus({ preventScroll: true })).catch((error) => absent(sentenceIn(error)));
