// @ts-check
// Administration page: its tabs, and what is fetched for the open one; each tab has a module of its own.
// Each tab's content has a module of its own.
import { $ } from "./api.js";
import { showAudit } from "./admin_audit.js";
import { showPeople } from "./admin_people.js";
import { showRemove } from "./admin_remove.js";
import { showResults } from "./admin_results.js";
import { showSettings } from "./admin_settings.js";
import { showSystem } from "./admin_system.js";
import { failed } from "./toasts.js";

/** @type {HTMLElement[]} */
const tabs = [...document.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
/** @type {Record<string, () => Promise<void>>} */
const SHOW = { people: showPeople, settings: showSettings, remove: showRemove, results: showResults, audit: showAudit, system: showSystem };
const nameOf = (/** @type {HTMLElement} */ tab) => tab.id.slice(4);
let shown = "";

function open(/** @type {string} */ name, focus = false) {
  shown = name;
  for (const tab of tabs) {
    const chosen = nameOf(tab) === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    $(`#${tab.getAttribute("aria-controls")}`).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  history.replaceState(null, "", `#${name}`);
  SHOW[name]().catch(failed);
}

for (const tab of tabs) {
  tab.addEventListener("click", () => open(nameOf(tab)));
  tab.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    open(nameOf(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]), true);
  });
}

// Only the system tab changes by itself, so only this tab is reloaded.
setInterval(() => {
  if (shown === "system" && !document.hidden) showSystem({ storage: false }).catch(() => {});
}, 5000);

const wanted = location.hash.slice(1);
open(wanted in SHOW ? wanted : "people");
