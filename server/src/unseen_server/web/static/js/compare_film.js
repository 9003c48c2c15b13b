// @ts-check
// The page that shows two to six models on one film side by side; ← → go through the list that the film came from.
import { $, api, closest, el, inDialog, sentenceIn, there, typing } from "./api.js";
import { session } from "./browser_storage.js";
import { FilmCanvas } from "./film_canvas.js";
import { swatch } from "./charts.js";
import { keptList } from "./compare_gallery.js";
import { short } from "./compare_operating.js";
import { Pane, ROWS } from "./compare_model_images.js";
import { films } from "./films.js";
import { untilAnswered } from "./repeated.js";
import { failed, toast } from "./toasts.js";

const KEPT = "unseen.compare"; // same key as on the comparison page
const ROWS_KEPT = "unseen.compare.rows";
const MOST = 6;
const KINDS = /** @type {import("./compare_model_images.js").What[]} */ (Object.keys(ROWS));

const view = new FilmCanvas($("#film"), { label: "Film" });
/** @type {{ shown?: string[], places?: Record<string, number> }} */
const kept = session.json(KEPT, {});
const ticked = new Set(kept.shown ?? []);
/** @type {Set<import("./compare_model_images.js").What>} */
const rows = new Set(session.json(ROWS_KEPT, ["reconstruction", "residual"]));
let film = decodeURIComponent(location.pathname.split("/").pop() ?? "");
const list = keptList(film);
/** @typedef {Page.Returned<"GET /films/{film}/look">} Look  @typedef {Look["models"][number]} Model */

/** @type {Look | null} */
let response = null; // model results of the film
/** @type {Pane[]} */
let panes = [];
let turn = 0;

async function show() {
  const mine = ++turn;
  const isWanted = () => mine === turn;
  $("#side").setAttribute("aria-busy", "true");
  closePanes();
  response = null; // nothing of the film before is shown under the name of this one
  view.show(null);
  $("#study").hidden = true;
  $("#models").replaceChildren($("#models legend"));
  $("#seen").replaceChildren();
  absent("");
  position();
  untilAnswered(() => films.get(film), isWanted, absent).then((shown) => {
    if (!shown) return;
    absent("");
    view.show(shown);
  }, (error) => { if (mine === turn) absent(sentenceIn(error)); });
  try {
    const found = await untilAnswered(() => api(`/films/${film}/look`), isWanted, (sentence) => {
      $("#seen").replaceChildren(el("p", { class: "said" }, `The models' results on this film could not be fetched. ${sentence}`));
    });
    if (!found) return;
    response = found;
    $("#study").href = `/studies/${found.study}`;
    $("#study").hidden = false;
    models(found);
    await columns();
  } catch (error) {
    failed(error);
  }
  if (mine === turn) $("#side").removeAttribute("aria-busy");
  const at = list.films.indexOf(film);
  for (const near of [list.films[at + 1], list.films[at - 1]]) if (near && mine === turn) films.get(near).catch(() => {});
}

/** Show why there is no film; "" if there is one, or if it is being fetched. */
function absent(/** @type {string} */ sentence) {
  $("#absent").textContent = sentence;
  $("#absent").hidden = sentence === "";
}

function position() {
  const at = list.films.indexOf(film);
  $("#position").replaceChildren(el("b", {}, list.films.length > 1 ? `${at + 1} of ${list.films.length}` : "one film"), list.title ? ` · ${list.title}` : "");
  $("#previous").disabled = at <= 0;
  $("#next").disabled = at === list.films.length - 1;
  document.title = `Models on ${film} · unseen`;
  $("#title").textContent = `Models on film ${film}`;
}

function step(/** @type {number} */ by) {
  const next = list.films[list.films.indexOf(film) + by];
  if (!next) return;
  film = next;
  history.replaceState(null, "", `/compare/${film}`); // the browser's back button returns to the list
  show().catch(failed);
}

/** Show the checkboxes of the models; models ticked before stay ticked if they have scored this film. */
function models(/** @type {Look} */ response) {
  const known = response.models.map(({ model }) => model);
  if (!known.some((model) => ticked.has(model))) known.slice(0, 3).forEach((model) => ticked.add(model));
  const boxes = response.models.map(({ model, name, role }) => {
    /** @type {HTMLInputElement} */
    const box = el("input", { type: "checkbox", checked: ticked.has(model), onchange: () => tick(box, model) });
    return el("label", { class: "model", title: role === "decides" ? "It decides here." : null }, box, el("b", {}, name));
  });
  $("#models").replaceChildren($("#models legend"), ...boxes);
  if (!response.models.length) $("#models").append(el("span", { class: "soft" }, "No model has scored this film."));
}

function tick(/** @type {HTMLInputElement} */ box, /** @type {string} */ model) {
  const here = shownModels().length;
  if (box.checked && here === MOST) toast(`${MOST} models at most are shown. Untick another first.`);
  else if (!box.checked && here <= Math.min(2, there(response).models.length)) toast("Two models at least are compared. Tick another first.");
  else {
    if (box.checked) ticked.add(model);
    else ticked.delete(model);
    session.set(KEPT, JSON.stringify({ ...kept, shown: [...ticked] }));
    columns();
    return;
  }
  box.checked = !box.checked;
}

const shownModels = () => there(response).models.filter(({ model }) => ticked.has(model)).slice(0, MOST);

function columns() {
  closePanes();
  const shown = shownModels();
  const taken = new Set(shown.map(({ model }) => kept.places?.[model]));
  const free = [0, 1, 2, 3, 4, 5].filter((place) => !taken.has(place));
  const made = shown.map((model) => {
    const place = kept.places?.[model.model] ?? free.shift();
    const own = KINDS.filter((what) => rows.has(what)).map((what) => new Pane(what, model));
    panes.push(...own);
    return el("article", { class: `column m${place}`, "aria-label": model.name, dataset: { model: model.model } }, head(model, place), ...own.map(({ node }) => node));
  });
  $("#seen").replaceChildren(...made);
  return Promise.all(panes.map((pane) => pane.show(film, view)));
}

function head(/** @type {Model} */ { name, score, rank, sentence }, /** @type {number | undefined} */ place) {
  const bar = el("i", {});
  bar.style.width = `${100 * (rank ?? 0)}%`;
  return el(
    "header", {}, el("h2", { title: name }, swatch(place), el("span", {}, name)),
    el("div", { class: "score" }, score !== null && el("small", {}, "score"), el("b", { dataset: { score: score ?? "" } }, score === null ? "not scored" : short(score)),
      el("small", {}, sentence)),
    el("div", { class: "place", role: "img", "aria-label": sentence || "No score" }, bar),
  );
}

function closePanes() {
  for (const pane of panes) pane.close();
  panes = [];
}

for (const what of KINDS) {
  const { words } = ROWS[what];
  const button = el("button", { type: "button", class: "quiet", "aria-pressed": String(rows.has(what)), dataset: { row: what } }, words);
  button.addEventListener("click", () => {
    if (rows.has(what) && rows.size > 1) rows.delete(what);
    else rows.add(what);
    button.setAttribute("aria-pressed", String(rows.has(what)));
    session.set(ROWS_KEPT, JSON.stringify([...rows]));
    if (response) columns();
  });
  $("#rows").append(button);
}
view.addEventListener("window", () => $("#invert").setAttribute("aria-pressed", String(view.inverted)));
$("#previous").addEventListener("click", () => step(-1));
$("#next").addEventListener("click", () => step(1));
$("#first").addEventListener("click", () => view.setWindow(view.first));
$("#invert").addEventListener("click", () => view.setInverted(!view.inverted));
$("#fit").addEventListener("click", () => view.fit());
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || inDialog() || closest(event, "textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  /** @type {Record<string, () => void>} */
  const does = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), Escape: () => location.assign("/compare") };
  const own = event.shiftKey ? null : does[event.key];
  if (own) own();
  else if (typing(event) || closest(event, "button, a") || !view.key(event)) return;
  event.preventDefault();
});
show().catch(failed);
