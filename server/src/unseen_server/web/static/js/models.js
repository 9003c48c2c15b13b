// @ts-check
// The page of models: which tab is open, and what is fetched for it. Each tab's content has a module of its own.
import { $ } from "./api.js";
import { onNews } from "./events.js";
import { showCalibration } from "./models_calibration.js";
import { showAgreements, showCards } from "./models_cards.js";
import { showDrift } from "./models_drift.js";
import { showFit } from "./models_fit.js";
import { showTrainings } from "./models_trainings.js";
import { failed } from "./toasts.js";

const reader = document.body.dataset.role === "reader";
/** @type {HTMLElement[]} */
const tabs = [...document.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
/** @typedef {"models" | "fit" | "calibration" | "watch" | "runs"} Name */
/** @type {Record<Name, (fresh: boolean, model?: string) => Promise<void>>} */
const SHOW = {
  models: async (fresh) => { if (fresh) await showCards(reader ? null : open); if (!reader) await showAgreements(); },
  fit: showFit,
  calibration: showCalibration,
  watch: showDrift,
  runs: showTrainings,
};
/** @type {Name} */
let shown = "models";
const nameOf = (/** @type {HTMLElement} */ tab) => /** @type {Name} */ (tab.id.slice(4));

function open(/** @type {Name} */ name, { model = /** @type {string | undefined} */ (undefined), focus = false } = {}) {
  shown = name;
  for (const tab of tabs) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    $(`#${tab.getAttribute("aria-controls")}`).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  if (!reader) history.replaceState(null, "", `#${name}`);
  SHOW[name](true, model).catch(failed);
}

for (const tab of tabs) {
  tab.addEventListener("click", () => open(nameOf(tab)));
  tab.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    open(nameOf(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]), { focus: true });
  });
}

// The server sends news for every film, but this page reloads less often. Trainings and workers send no news.
/** @type {Record<Name, number>} */
const WAIT = { models: 1000, fit: 5000, calibration: 5000, watch: 5000, runs: 2000 };
/** @type {Partial<Record<Name, number>>} */
const ALWAYS = { models: 5000, runs: 2000 };
let asked = 0, news = false;
setInterval(() => {
  const since = Date.now() - asked;
  if (document.hidden || reader || !(since >= (ALWAYS[shown] ?? Infinity) || (news && since >= WAIT[shown]))) return;
  asked = Date.now();
  news = false;
  SHOW[shown](false).catch(() => {}); // the status bar reports a lost connection
}, 250);
if (!reader) onNews(() => { news = true; });

const wanted = location.hash.slice(1);
open(!reader && wanted in SHOW ? /** @type {Name} */ (wanted) : "models");
