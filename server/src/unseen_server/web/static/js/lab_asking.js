// @ts-check
// Questions to the lab: until it has computed, the answer is that one is to wait (202), and the page asks again.
import { api } from "./api.js";

const AGAIN_MS = 300; // the server itself waits a few seconds per request
const MOST = 200;

const isWaiting = (/** @type {unknown} */ response) => typeof response === "object" && response !== null && "wait" in response;

/**
 * Call `api`, and repeat the request while the server is still computing; `signal` also ends the waiting.
 * @template {"measurement" | "reconstruction" | "verdict" | "generated"} Q
 * @param {Q} path
 * @param {Api.Operations[`POST /lab/${Q}`]["body"]} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<Exclude<Page.Returned<`POST /lab/${Q}`>, Api.Waiting>>}
 */
export async function ask(path, body, signal) {
  for (let tried = 0; tried < MOST; tried++) {
    /** @type {unknown} */
    const response = await api(`/lab/${path}`, { body, signal });
    if (!isWaiting(response)) return /** @type {Exclude<Page.Returned<`POST /lab/${Q}`>, Api.Waiting>} */ (response);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    signal?.throwIfAborted();
  }
  throw new Error("The lab was busy for a long time. Try again later.");
}
