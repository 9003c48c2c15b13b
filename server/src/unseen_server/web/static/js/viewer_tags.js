// @ts-check
// Table of a film's DICOM elements, with a search, for leads.
import { $, api, el } from "./api.js";
import { numberOf } from "./numbers.js";
import { failed } from "./toasts.js";

/** Show the DICOM elements of `film`. */
export async function showTags(/** @type {string} */ film) {
  const { elements } = await api(`/films/${film}/elements`);
  const field = el("input", { type: "search", id: "tags-search", placeholder: "Tag, name or value", oninput: () => fill() });
  const body = el("tbody", {});
  const count = el("p", { class: "small soft", role: "status" });
  const fill = () => {
    const wanted = field.value.trim().toLowerCase();
    const found = elements.filter((line) => line.join(" ").toLowerCase().includes(wanted));
    body.replaceChildren(...found.map(([tag, name, kind, value]) => el("tr", {}, el("td", {}, el("code", {}, tag)), el("td", {}, name), el("td", {}, kind), el("td", {}, value))));
    count.textContent = elements.length === 0 ? "This file is no DICOM: it has no elements." : `${found.length} of ${numberOf(elements.length, "element")}`;
  };
  const head = ["Tag", "Name", "VR", "Value"].map((word) => el("th", { scope: "col" }, word));
  const dialog = $("#tags");
  dialog.replaceChildren(
    el("h2", { id: "tags-title" }, "Elements of the file"),
    el("label", { for: "tags-search", class: "visually-hidden" }, "Search the elements"), field, count,
    el("div", { class: "scrolled", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, ...head)), body)),
    el("form", { method: "dialog" }, el("button", { class: "main" }, "Close")),
  );
  fill();
  dialog.showModal();
}

/** Wire the button that opens the elements, if the page has it: only leads see a file's elements. */
export function wireTags(/** @type {() => string | undefined} */ film) {
  document.querySelector("#tags-open")?.addEventListener("click", () => {
    const shown = film();
    if (shown) showTags(shown).catch(failed);
  });
}
