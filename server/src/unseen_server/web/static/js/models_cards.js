// @ts-check
// Cards of the models, proposals, and what was agreed on: two people for each change of what scores.
import { $, api, el } from "./api.js";
import { date } from "./dates.js";
import { agree, summaryOf } from "./models_agree.js";
import { numberOf } from "./numbers.js";
import { percent } from "./percent_words.js";
import { failed, toast } from "./toasts.js";

/** @typedef {Page.Returned<"GET /activations">} Activations  @typedef {Activations["activations"][number]} Activation */
/** @typedef {Page.Returned<"GET /models/cards">["models"][number]} Card  @typedef {Card["figures"][number]} Figure */
/** @typedef {(name: "calibration", on: { model: string }) => void} LeadOn */

const bytes = (/** @type {number} */ n) => (n < 1e6 ? `${Math.round(n / 1e3)} kB` : `${(n / 1e6).toFixed(1)} MB`);
/** @type {Record<string, string>} */
const MEASURES = { auroc: "AUROC", like_pairs: "Pairs of similar films", site: "Tells the hospitals apart (0.5: not at all)" };
/** @type {Record<string, string>} */
const EVALUATIONS = { cross_fitted_twin: "cross-fitted", fold_4: "fold 4, not trained on" };
const STANDING = { proposed: ["waits", "warn"], active: ["in force", "good"], superseded: ["superseded", ""], withdrawn: ["withdrawn", ""] };

/** Return a model's name with the first digits of its weights' digest, because two models may share a name. */
const named = (/** @type {string} */ name, /** @type {string} */ sha256) => el("span", {}, name, " ", el("code", { class: "soft small", title: sha256 }, sha256.slice(0, 8)));

let drawn = "";
/** @type {LeadOn | null} */
let leadOn = null;

/** Show the cards. `open("calibration", {model})` opens the next tab from a card; null for readers, whose cards have no such button. */
export async function showCards(open = leadOn) {
  leadOn = open;
  const { models } = await api("/models/cards");
  $("#cards").replaceChildren(...models.map((model) => card(model, open)));
  if (!models.length) $("#cards").append(el("p", { class: "soft" }, "None: its workers are started by hand. Start it with --model, and further ones with --also."));
}

/** Show the scoring models, the proposals that wait for a second person, and the earlier agreements. */
export async function showAgreements() {
  const response = await api("/activations");
  const same = JSON.stringify(response);
  if (same === drawn || document.activeElement?.closest("#proposals form")) return; // the user is typing
  if (drawn) showCards().catch(() => {}); // a new decision may have changed the deciding model
  drawn = same;
  scoring(response);
  const open = response.activations.filter((one) => one.standing === "proposed");
  $("#proposals").replaceChildren(...open.map((one) => proposal(one, response.others)));
  $("#history").replaceChildren(past(response.activations));
}

function scoring(/** @type {Activations} */ { activations, scoring: number, problem, workers, ready }) {
  const now = activations.find((one) => one.number === number);
  const words = now
    ? el("p", {}, named(now.model_name, now.model), now.policy ? " decides, by the policy that " : " ranks and clears nothing, as ", el("b", {}, now.proposed_by), " proposed and ",
        el("b", {}, now.activated_by), now.activated === null ? " activated." : ` activated on ${date(now.activated)}.`)
    : el("p", {}, "This server uses the models that it was started with. No activation is in force.");
  $("#scoring").replaceChildren(
    el("div", { class: "row" }, words,
      ready ? el("span", { class: "chip good" }, "workers up to date") : el("span", { class: "chip warn" }, "workers are changing over"),
      now ? el("button", { type: "button", onclick: () => withdraw(now) }, "Withdraw") : null),
    now?.stopped ? el("p", { class: "problem" }, `Nothing is cleared at present: ${now.stopped}.`) : now?.policy ? facts(now.policy) : "",
    problem ? el("p", { class: "problem" }, problem) : "",
    workers ? el("p", { class: "problem" }, `A worker cannot score: ${workers}`) : "",
  );
}

function proposal(/** @type {Activation} */ one, /** @type {string[]} */ others) {
  const second = others.length
    ? `A second person must activate it: ${others.slice(0, 4).join(", ")}${others.length > 4 ? " …" : ""}.`
    : "A second person must activate it, and nobody else here is lead or admin.";
  return el("article", { class: "card proposal", "data-number": one.number, "aria-label": `Proposal ${one.number}` },
    el("div", { class: "row" },
      el("h2", {}, `Proposal ${one.number}: `, named(one.model_name, one.model)), el("span", { class: "chip warn" }, "waits for a second person")),
    el("p", {}, `${one.proposed_by} has proposed it on ${date(one.proposed)}: ${one.policy ? "score with it, and clear by this policy." : "score with it, and clear nothing."}`),
    one.note ? el("blockquote", {}, one.note) : null,
    one.policy ? facts(one.policy) : null,
    one.further.length ? el("p", { class: "small soft" }, `Calibrated in the same run, as a reference for percentiles: ${one.further.map(({ name, normals }) => `${name} (${numberOf(normals, "normal")})`).join(", ")}. They clear nothing.`) : null,
    one.summary ? summaryOf(one.summary) : null,
    one.here ? null : el("p", { class: "problem" }, "This server does not have that model and would keep its own."),
    el("div", { class: "row" },
      el("button", { type: "button", disabled: one.mine, "aria-describedby": one.mine ? `why-${one.number}` : null, onclick: () => activate(one) }, "Activate"),
      el("button", { type: "button", onclick: () => withdraw(one) }, "Withdraw"),
      one.mine ? el("span", { class: "soft", id: `why-${one.number}` }, `You proposed this. ${second}`)
        : el("span", { class: "soft" }, "Look at the figures first: from then on it decides what readers see.")),
    one.mine && !others.length ? newAccount() : null,
  );
}

/** Show the form with which the admin of a one-person site adds the second person's account. */
function newAccount() {
  if (document.body.dataset.role !== "admin") return el("p", {}, "An admin can add an account for that person.");
  const person = el("input", { name: "name", required: true, maxlength: 64 });
  const password = el("input", { name: "password", type: "password", required: true, minlength: 12, autocomplete: "new-password" });
  return el("form", { class: "row account", autocomplete: "off", onsubmit: async (event) => {
    event.preventDefault();
    const name = person.value;
    try {
      await api("/accounts", { body: { name, password: password.value, role: "lead" } });
      toast(`${name} can sign in now, and activate it.`);
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      await showAgreements();
    } catch (error) {
      failed(error);
    }
  } },
    el("label", {}, "A lead's name ", person),
    el("label", {}, "and first password ", password),
    el("button", { type: "submit" }, "Add the account"));
}

function facts(/** @type {NonNullable<Activation["policy"]>} */ policy) {
  return el("ul", { class: "notes" }, ...policy.words.map((words) => el("li", {}, words)));
}

async function activate(/** @type {Activation} */ one) {
  const { summary } = one;
  const said = await agree({ title: `Activate proposal ${one.number}?`, summary, note: "What you have looked at, and why this may start", action: "Activate" });
  if (said === null || !summary) return;
  try {
    await api(`/activations/${one.number}/activate`, { body: { ...said, summary: summary.digest } });
    toast(`${one.model_name} is in force. Workers finish the film in hand, and score by it then.`);
  } catch (error) {
    failed(error);
  }
  await showAgreements().catch(failed);
}

async function withdraw(/** @type {Activation} */ one) {
  const words = "Clearing stops at once. Servers rank with the model that they were started with, and clear nothing until two people activate a policy.";
  if (one.standing === "active" && (await agree({ title: "Withdraw what is in force?", words, note: null, action: "Withdraw" })) === null) return;
  await api(`/activations/${one.number}/withdraw`, { method: "POST" }).then(() => toast("Withdrawn.")).catch(failed);
  await showAgreements().catch(failed);
}

function past(/** @type {Activation[]} */ activations) {
  if (!activations.length) return el("p", { class: "soft" }, "Nothing was proposed yet.");
  const row = (/** @type {Activation} */ one) => el("tr", {},
    el("td", { class: "n" }, String(one.number)),
    el("td", {}, el("span", { class: `chip ${STANDING[one.standing][1]}` }, STANDING[one.standing][0])),
    el("td", {}, named(one.model_name, one.model)),
    el("td", {}, one.policy ? [one.stopped ? "stopped, " : `≤ ${percent(one.policy.max_miss_rate)} missed, `, el("code", { class: "soft" }, one.policy.digest.slice(0, 8))] : "ranks, clears nothing"),
    el("td", {}, `${one.proposed_by}, ${date(one.proposed)}`),
    el("td", {}, one.activated_by && one.activated ? `${one.activated_by}, ${date(one.activated)}` : "not activated"),
    el("td", {}, one.withdrawn_by && one.withdrawn ? `${one.withdrawn_by}, ${date(one.withdrawn)}` : "not withdrawn"));
  return el("table", { "aria-labelledby": "history-title" },
    el("thead", {}, el("tr", {}, ...["No.", "", "Model", "Policy", "Proposed", "Activated", "Withdrawn"].map((words, i) => el("th", { scope: "col", class: i ? null : "n" }, words)))),
    el("tbody", {}, ...activations.map(row)));
}

function card(/** @type {Card} */ model, /** @type {LeadOn | null} */ open) {
  const figures = grouped(model.figures);
  const line = (/** @type {string} */ name, /** @type {string | (string | Element)[]} */ value) => (value ? [el("dt", {}, name), el("dd", {}, value)] : []);
  return el("article", { class: "card model", "data-model": model.weights_sha256, "aria-label": model.name },
    el("div", { class: "row" }, el("h3", {}, named(model.name, model.weights_sha256)),
      el("span", { class: `chip ${model.role === "decides" ? "good" : ""}` }, model.role),
      model.gate ? el("span", { class: "chip" }, "input gate") : el("span", { class: "chip warn" }, "no input gate"),
      model.lungs ? el("span", { class: "chip" }, "lung finder") : null),
    model.figures.length ? [...figures].map(([measure, found]) => whiskers(MEASURES[measure] ?? measure, found, measure === "site")) : el("p", { class: "soft" }, "Its model card has no evaluation."),
    el("dl", {},
      ...line("Training", model.training), ...line("Trained on", model.data), ...line("Films", String(model.training_films)), ...line("Licence", model.licence),
      ...line("Input", [model.view.frame, model.view.size ? `${model.view.size} px` : ""].filter(Boolean).join(", ")),
      ...line("Weights", [`${bytes(model.weights_bytes)}, `, el("code", { title: model.weights_sha256 }, model.weights_sha256.slice(0, 16))]),
      ...line("Trained", [model.created ? date(model.created) : "", model.version ? `by unseen ${model.version}` : "", model.trained_on ? `on ${model.trained_on}` : ""].filter(Boolean).join(" "))),
    el("p", { class: "small soft" }, model.limits),
    open ? el("div", { class: "row" },
      el("button", { type: "button", onclick: () => open("calibration", { model: model.weights_sha256 }) }, "Calibrate"),
      el("button", { type: "button", onclick: (event) => rankOnly(model, event.target) }, "Propose for ranking")) : null);
}

async function rankOnly(/** @type {Card} */ model, /** @type {HTMLButtonElement} */ button) {
  const said = await agree({ title: `Propose ${model.name} for ranking?`, words: "Nothing changes before a second person activates it.", note: "Why; the second person reads it", action: "Propose" });
  if (said === null) return;
  button.disabled = true;
  try {
    const made = await api("/models/propose", { body: { model: model.weights_sha256, note: said.note } });
    toast(`Proposal ${made.number} waits for a second person.`);
    await showAgreements();
    $("#proposals").scrollIntoView({ block: "nearest" });
  } catch (error) {
    failed(error);
  } finally {
    button.disabled = false;
  }
}

function grouped(/** @type {Figure[]} */ figures) {
  /** @type {Map<string, Figure[]>} */
  const found = new Map();
  for (const figure of figures) found.set(figure.measure, [...(found.get(figure.measure) ?? []), figure]);
  return found;
}

/** Return a chart of values with their intervals on one scale from 0.4 to 1. */
function whiskers(/** @type {string} */ title, /** @type {Figure[]} */ figures, /** @type {boolean} */ site) {
  const low = Math.min(0.4, ...figures.map((f) => f.low)), at = (/** @type {number} */ v) => 100 * (v - low) / (1 - low);
  const row = (/** @type {Figure} */ f) => {
    const words = `${f.value.toFixed(2)} (${f.low.toFixed(2)} to ${f.high.toFixed(2)})`;
    const bar = el("svg:svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", class: "whisker", "aria-hidden": "true" },
      el("svg:line", { class: "half", x1: at(0.5), x2: at(0.5), y1: 0, y2: 10 }),
      el("svg:line", { class: "span", x1: at(f.low), x2: at(f.high), y1: 5, y2: 5 }),
      el("svg:line", { class: "value", x1: at(f.value), x2: at(f.value), y1: 1.5, y2: 8.5 }));
    const of = f.normals === null || f.abnormals === null ? "" : `${f.normals} normal, ${f.abnormals} abnormal`;
    return el("tr", {}, el("th", { scope: "row", title: of || null }, f.group.replace("|", " or "), el("small", { class: "soft" }, ` ${EVALUATIONS[f.evaluation] ?? f.evaluation}`)), el("td", {}, bar), el("td", { class: "n" }, words));
  };
  return el("table", { class: `whiskers ${site ? "site" : ""}` }, el("caption", {}, title), el("tbody", {}, ...figures.map(row)));
}
