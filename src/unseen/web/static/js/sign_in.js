// @ts-check
// Signing in: with name and password, or with the one-time link, whose secret comes after the # so that no log sees it.
import { $, api, sentenceIn } from "./api.js";

const problem = $("#problem");

function onwards() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  const own = new URL(next, location.origin);
  location.replace(next.startsWith("/") && own.origin === location.origin ? own.href : "/"); // whole: a path may begin with //
}

$("#sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const button = /** @type {HTMLButtonElement} */ ($("button[type=submit]"));
  button.disabled = true;
  try {
    await api("/sign-in", { body: { name: $("#name").value, password: $("#password").value } });
    onwards();
  } catch (error) {
    problem.textContent = sentenceIn(error);
    $("#password").value = "";
    $("#password").focus();
  } finally {
    button.disabled = false;
  }
});

$("#ended").hidden = !new URLSearchParams(location.search).has("ended");

const link = new URLSearchParams(location.hash.slice(1)).get("link");
if (link) {
  history.replaceState(null, "", location.pathname + location.search);
  api("/sign-in/link", { body: { link } }).then(onwards).catch((error) => { problem.textContent = error.message; });
}
