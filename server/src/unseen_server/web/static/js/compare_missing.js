// @ts-check
// Message where nothing can be compared yet: the missing parts, and what to do.
import { $, el } from "./api.js";
import { numberOf } from "./numbers.js";

/** Show the message; `ill` is the number of films reported abnormal. */
export function explain(/** @type {Page.Returned<"GET /compare/labelled">} */ { models, films }, /** @type {number} */ ill) {
  const response = !models.length
    ? ["No model has scored a film here.", "Start the server with a model, and give further ones with --also to compare them."]
    : !films.length
      ? ["No study has been reported yet.", "As soon as readers have reported normal and abnormal studies, this page shows how well the models tell them apart."]
      : [`${numberOf(films.length - ill, "film was", "films were")} reported normal, ${ill} abnormal.`, "A ROC needs both, scored by one model."];
  $("#missing").replaceChildren(el("h2", {}, response[0]), el("p", {}, response[1]));
  $("#missing").hidden = false;
}
