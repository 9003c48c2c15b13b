// @ts-check
// Controls of the overlays: triage or research mode, the chosen model, opacity; kept from film to film.
import { $, el } from "./api.js";
import { local } from "./browser_storage.js";
import { PICTURES, has, overlaysOf } from "./viewer_overlays.js";
import { showChart, showModels, showNearest, showWords } from "./viewer_panel.js";
import { failed } from "./toasts.js";

const STORED = "unseen.viewer";
const STEPS = [30, 60, 100, 0]; // opacity, in per cent
const BLIND = "Scores and overlays are not shown where a policy clears: they would tell which studies are read for the audit sample.";
/** @type {Record<string, string>} */
const MODES = { triage: "Flag, place and film alone.", research: "" };
const HEAT = ["map", "residual"];
const OPACITY = 60; // default opacity, in per cent

/** @typedef {Page.Returned<"GET /films/{film}/look">} Look */

export class Layers {
  #view;
  #onBeside;
  #kept = { mode: "research", model: /** @type {string | null} */ (null), opacity: OPACITY, heat: "map" };
  #what = "none";
  #lungs = false;
  #frame = false;
  /** @type {string | null} */
  #film = null;
  /** @type {Look | null} */
  #look = null;
  #turn = 0;
  /** Callback for every change of the settings. */
  onChange = () => {};

  /** @param {import("./film_canvas.js").FilmCanvas} view  @param {(near: Look["nearest"][number]) => void} onBeside */
  constructor(view, onBeside) {
    this.#view = view;
    this.#onBeside = onBeside;
    Object.assign(this.#kept, local.json(STORED, {}));
    for (const mode of ["triage", "research"]) $(`#${mode}`).addEventListener("click", () => this.setMode(mode));
    const buttons = Object.entries({ none: { words: "Film only", tells: undefined }, ...PICTURES }).map(([what, { words, tells }]) =>
      el("button", { type: "button", dataset: { what }, title: tells, onclick: () => this.choose(what) }, words));
    const extras = { lungs: "Lungs", frame: "Frame" };
    const toggles = Object.entries(extras).map(([name, words]) =>
      el("button", { type: "button", dataset: { toggle: name }, onclick: () => this.toggle(name) }, words));
    $("#pictures").append(...buttons, ...toggles);
    $("#opacity").addEventListener("input", () => this.setOpacity($("#opacity").valueAsNumber));
    this.#drawPanel();
  }

  get blind() { return document.body.dataset.blind === "yes" || this.#look?.blind === true; }
  get mode() { return this.blind ? "triage" : this.#kept.mode; }
  get #models() { return this.#look?.models ?? []; }
  get model() { return this.#models[this.#place] ?? null; }
  /** Settings that differ from the defaults, for the page's address. */
  get chosen() {
    if (this.mode !== "research") return {};
    return {
      model: this.#place > 0 ? this.model?.model ?? "" : "", over: this.#what === "none" ? "" : this.#what, lungs: this.#lungs ? "1" : "",
      box: this.#frame ? "1" : "", opacity: this.#kept.opacity === OPACITY ? "" : String(this.#kept.opacity),
    };
  }
  get #place() {
    const at = this.#models.findIndex((model) => model.model === this.#kept.model);
    return Math.max(0, at);
  }

  /** Restore the settings of an address. */
  restore(/** @type {ReturnType<typeof import("./viewer_address.js").asked>} */ { model, over, lungs, box, opacity }) {
    if (model !== null || over !== null || lungs || box) this.#keep({ mode: "research" });
    if (model !== null) this.#keep({ model });
    if (over !== null && over in PICTURES) this.#what = over;
    this.#lungs = lungs;
    this.#frame = box;
    if (opacity !== null) this.#keep({ opacity: Math.min(100, Math.max(0, opacity)) });
    this.#drawPanel();
    this.#drawOverlays();
  }

  /** Switch to another film, whose results are not known yet. */
  film(/** @type {string | null} */ film) {
    this.#film = film;
    this.#look = null;
    this.#drawOverlays();
    $("#of-research").classList.add("waits");
    if (film === null) this.#drawPanel();
  }

  /** Show the models' results for the film. */
  look(/** @type {Look} */ look) {
    this.#look = look;
    $("#of-research").classList.remove("waits");
    this.#drawPanel();
    this.#drawOverlays();
  }

  /** Show that the models' results for the film could not be fetched; nothing of the film before stays. */
  missing(/** @type {string} */ sentence) {
    for (const section of [$("#models"), $("#chart"), $("#nearest")]) {
      section.replaceChildren();
      section.hidden = true;
    }
    $("#words").replaceChildren(el("p", { class: "problem" }, `The scores of this film could not be fetched. ${sentence}`));
    $("#of-research").classList.remove("waits");
  }

  setMode(/** @type {string} */ mode) {
    this.#keep({ mode });
    this.#drawPanel();
    this.#drawOverlays();
  }

  chooseModel(/** @type {number} */ place) {
    if (!this.#models[place]) return;
    this.#keep({ model: this.#models[place].model });
    this.#drawPanel();
    this.#drawOverlays();
  }

  /** Choose the image over the film; "none": the film alone. */
  choose(/** @type {string} */ what) {
    this.#what = what;
    if (HEAT.includes(what)) this.#keep({ heat: what });
    this.#drawOverlays();
  }

  /** Switch the anomaly map or the residual on or off; `other`: switch to the other of the two. */
  heat({ other = false } = {}) {
    if (other) this.choose(this.#kept.heat === HEAT[0] ? HEAT[1] : HEAT[0]);
    else this.choose(this.#what === "none" ? this.#kept.heat : "none");
  }

  toggle(/** @type {string} */ name) {
    if (name === "lungs") this.#lungs = !this.#lungs;
    else this.#frame = !this.#frame;
    this.#drawOverlays();
  }

  setOpacity(/** @type {number} */ opacity) {
    this.#keep({ opacity: Math.min(100, Math.max(0, opacity)) });
    this.#drawOverlays();
  }

  stepOpacity(/** @type {number} */ step) {
    if (step) this.setOpacity(this.#kept.opacity + step);
    else this.setOpacity(STEPS[(STEPS.indexOf(STEPS.find((one) => one === this.#kept.opacity) ?? 0) + 1) % STEPS.length]);
  }

  #keep(/** @type {{ mode?: string, model?: string, opacity?: number, heat?: string }} */ changes) {
    Object.assign(this.#kept, changes);
    local.set(STORED, JSON.stringify(this.#kept));
  }

  #drawPanel() {
    const research = this.mode === "research";
    $("#viewer").dataset.mode = this.mode;
    $("#triage").setAttribute("aria-pressed", String(!research));
    $("#research").setAttribute("aria-pressed", String(research));
    $("#research").disabled = this.blind;
    const words = this.blind ? BLIND : MODES[this.mode];
    $("#mode-words").textContent = words;
    $("#mode-words").hidden = words === "";
    $("#of-research").hidden = !research || this.#film === null;
    if (!research || !this.#look) return;
    showWords($("#words"), this.#look);
    showModels($("#models"), this.#models, this.#place, { onChoose: (place) => this.chooseModel(place) });
    showChart($("#chart"), this.model);
    showNearest($("#nearest"), this.#look.nearest, { onBeside: this.#onBeside });
  }

  async #drawOverlays() {
    this.onChange();
    const { model } = this;
    const turn = ++this.#turn;
    const opacity = this.#kept.opacity;
    for (const button of $("#pictures").querySelectorAll("button")) {
      const { what, toggle } = button.dataset;
      const chosen = what ? what === this.#what : toggle === "lungs" ? this.#lungs : this.#frame;
      button.setAttribute("aria-pressed", String(chosen));
      if (model) button.disabled = what ? what !== "none" && !has(model, what) : toggle === "lungs" ? !has(model, "lungs") : !model.box;
    }
    $("#overlays").hidden = this.#look !== null && !Object.keys(PICTURES).some((what) => has(model, what));
    $("#opacity").value = String(opacity);
    $("#opacity-value").value = `${opacity} %`;
    $("#legend").hidden = this.#what !== "map" || !model?.map_high;
    if (model?.map_high) $("#legend-high").textContent = Number(model.map_high.toPrecision(3)).toString();
    /** @type {Page.Overlay[]} */
    let overlays = [];
    if (this.mode === "research" && model && this.#film !== null) {
      const chosen = { what: this.#what, lungs: this.#lungs, frame: this.#frame, opacity: opacity / 100 };
      try {
        overlays = await overlaysOf(this.#film, model, chosen);
      } catch (error) {
        failed(error);
      }
    }
    if (turn === this.#turn) this.#view.overlays = overlays;
  }
}
