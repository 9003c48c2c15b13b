// @ts-check
// Notices above the list when something is wrong: no connection, an impaired server, a drift alarm; and below it, what clears.
import { $, api, el, find, sentenceIn, statusOf } from "./api.js";
import { clock } from "./dates.js";

const LOOK_MS = 30_000;

/** Announce a sentence to screen readers. */
export function tell(/** @type {string} */ sentence) {
  $("#announcement").textContent = "";
  setTimeout(() => { $("#announcement").textContent = sentence; }, 50); // an identical sentence is announced again
}

/** Show a notice under a name; empty words remove it. */
function notice(/** @type {string} */ name, /** @type {string} */ words, { kind = "warn", link = /** @type {[string, string] | null} */ (null) } = {}) {
  const known = find(`#notices > [data-notice="${name}"]`);
  if (!words) return known?.remove();
  const text = [el("span", {}, words), link && el("a", { href: link[0] }, link[1])];
  if (known?.firstChild?.textContent === words) return undefined;
  known?.remove();
  return $("#notices").append(el("div", { class: `notice ${kind}`, "data-notice": name, role: kind === "bad" ? "alert" : "status" }, ...text));
}

/** Show a notice while the connection is lost; `onLive` is called when the connection is made or restored. */
export function watchConnection(/** @type {() => void} */ onLive) {
  let was = "";
  const look = () => {
    const is = document.body.dataset.connection ?? "";
    if (is === was) return;
    was = is;
    const at = clock(Date.now());
    notice("connection", is === "lost" ? `No connection to the server since ${at}. The list may be out of date; it comes back by itself.` : "", { kind: "bad" });
    if (is === "live") onLive();
  };
  new MutationObserver(look).observe(document.body, { attributeFilter: ["data-connection"] });
  look();
}

/** Show notices about the server's health and about clearing to everybody, immediately and every 30 s. */
export function watchServer(/** @type {boolean} */ isLead) {
  const look = async () => {
    if (document.hidden) return;
    const [health, promise] = await Promise.allSettled([api("/health"), api("/promise")]);
    if (health.status === "fulfilled") notice("health", health.value.problems.join(" "), { kind: "bad" });
    else if (statusOf(health.reason) === 503) notice("health", sentenceIn(health.reason), { kind: "bad" });
    if (promise.status === "fulfilled") {
      const { state, why, words } = promise.value;
      notice("clearing", state === "stopped" ? why : "", { link: isLead ? ["/models#watch", "Look at it under Models"] : null });
      if ($("#policy").textContent !== words) $("#policy").textContent = words;
    }
  };
  look();
  setInterval(look, LOOK_MS);
}
