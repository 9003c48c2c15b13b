// @ts-check
// Sign-out: on request, and after half an hour without a key or a click; pages of one browser count together.
// A session ends after twelve hours in any case.
import { $, api } from "./api.js";
import { local } from "./browser_storage.js";
import { failed, toast } from "./toasts.js";

const IDLE_S = 30 * 60;
const WARNED_S = 60;
const TOUCHED = "unseen.touched";

/** Return the number of seconds since the last input on any page of this browser. */
export const idleSeconds = () => (Date.now() - Number(local.get(TOUCHED) ?? Date.now())) / 1000;

function leave(query = "") {
  return api("/sign-out", { method: "POST" }).then(() => location.assign(`/sign-in${query}`));
}

$("#sign-out").addEventListener("click", () => leave().catch(failed));

let noted = 0;
function touched() {
  const now = Date.now();
  if (now - noted < 5000) return;
  noted = now;
  local.set(TOUCHED, String(now));
}
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) addEventListener(kind, touched, { passive: true });
touched();

/** @type {(() => void) | null} */
let warning = null;
setInterval(() => {
  const idle = idleSeconds();
  if (idle > IDLE_S) leave(`?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`).catch(() => {});
  else if (idle > IDLE_S - WARNED_S) warning ??= toast("Nobody has touched this page for half an hour: you are signed out in a minute.", { lasts: 0 });
  else if (warning) {
    warning();
    warning = null;
  }
}, 5000);
