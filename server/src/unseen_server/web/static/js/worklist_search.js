// @ts-check
// The search: on the list that is shown, then on the others. Its text goes to the server in a body, and into no address.
import { $, api } from "./api.js";
import { tell } from "./worklist_notices.js";
import { TABS, countOf } from "./worklist_view.js";
import { failed } from "./toasts.js";

/** @typedef {import("./worklist_view.js").View} View */

/** @param {{ view: View, goTo: (changes: Partial<View>) => Promise<unknown>, found: () => boolean, leave: () => void }} page */
export function searching({ view, goTo, found, leave }) {
  const search = async (/** @type {string} */ text) => {
    if (text === view.text) return;
    await goTo({ text });
    if (!text || found()) return;
    for (const tab of TABS.slice(1, 3)) { // the study may be in another list
      const response = await api("/studies/search", { body: countOf(view, tab) }).catch(failed);
      if (view.text === text && response?.rows.length) return void goTo({ tab }).then(() => tell(`Found in the list ${$(`#tab-${tab}`).firstChild?.textContent?.trim()}.`));
    }
  };
  $("#search").addEventListener("submit", (event) => { event.preventDefault(); search($("#text").value.trim()); });
  $("#text").addEventListener("input", () => { if (!$("#text").value) search(""); });
  $("#text").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    $("#text").value = "";
    search("");
    leave();
  });
}
