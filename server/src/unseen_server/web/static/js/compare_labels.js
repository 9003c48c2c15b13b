// @ts-check
// Reports that count as labels: those on films that were shown to their reader; by choice also others.
import { $, el } from "./api.js";
import { numberOf } from "./numbers.js";

/** @typedef {Page.Returned<"GET /compare/labelled">} LabelledSet */

/** True if reports count even when no record shows that their films were displayed; kept in the address. */
export const others = new URLSearchParams(location.search).get("others") === "true";

/** @type {Record<string, (count: number) => string>} */
const WORDS = {
  elsewhere: (count) => `${count} reported by another system`,
  unrecorded: (count) => `${count} reported with an earlier version, which did not record what was shown`,
};

/** Show the number of compared films, and the films that are left out. */
export function about(/** @type {LabelledSet} */ { films, models, not_counted: left }) {
  const ill = films.filter(({ label }) => label === "abnormal").length;
  const sources = new Set(films.map(({ source }) => source)).size;
  const simulated = films.filter(({ origin }) => origin === "simulated").length;
  const fewer = models.map(({ name, normal, abnormal }) => ({ name, count: normal + abnormal })).filter(({ count }) => count > 0 && count < films.length);
  $("#about").textContent = films.length
    ? `${numberOf(films.length, "film")} of studies that readers reported: ${films.length - ill} normal, ${ill} abnormal, ` +
      `from ${numberOf(sources, "source")}.${simulated ? ` Of these, ${simulated} ${simulated === 1 ? "was" : "were"} reported by a simulated reader.` : ""}` +
      (fewer.length ? ` Figures of a model count only films that it has scored and was not trained on: ${fewer.map(({ name, count }) => `${name} ${count}`).join(", ")}.` : "")
    : "";
  const missing = Object.entries(left).filter(([, count]) => count > 0).map(([origin, count]) => WORDS[origin](count));
  const box = el("input", { type: "checkbox", checked: others, onchange: () => location.assign(others ? "/compare" : "/compare?others=true") });
  const words = others ? "Reports count, too, of which nothing shows that their films were seen." : `Left out, since nothing shows that their films were seen: studies, ${missing.join("; ")}.`;
  $("#origins").hidden = !others && missing.length === 0;
  $("#origins").replaceChildren(el("span", {}, words), el("label", { class: "tick" }, box, " Count them"));
  return ill;
}
