// @ts-check
// Signing in: with name and password, or with a one-time link, whose secret comes after the # so that no log sees it.
// With an admin's link people choose their password here.
import { $, api, sentenceIn } from "./api.js";

const problem = $("#problem");

function onwards() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  const own = new URL(next, location.origin);
  location.replace(next.startsWith("/") && own.origin === location.origin ? own.href : "/"); // the full address, because a path may begin with //
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

const secrets = new URLSearchParams(location.hash.slice(1));
const link = secrets.get("link"), choice = secrets.get("choose");
if (link) {
  history.replaceState(null, "", location.pathname + location.search);
  api("/sign-in/link", { body: { link } }).then(onwards).catch((error) => { problem.textContent = error.message; });
}
if (choice) {
  history.replaceState(null, "", location.pathname + location.search);
  $("#sign-in").replaceWith($("#choosing").content);
  $("#new-password").focus();
  $("#choose").addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = $("#choose-problem"), password = $("#new-password").value;
    said.textContent = password === $("#new-again").value ? "" : "The two passwords differ. Type the same one twice.";
    if (said.textContent) return;
    try {
      await api("/sign-in/choose", { body: { link: choice, password } });
      onwards();
    } catch (error) {
      said.textContent = sentenceIn(error);
    }
  });
}
