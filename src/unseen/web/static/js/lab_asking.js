// @ts-check
// Questions to the lab: until it has computed, the answer is that one is to wait (202), and the page asks again.
import { api } from "./api.js";

const AGAIN_MS = 300; // the server itself waits a few seconds for each
const MOST = 200;

/** As `api`, but patient; `signal` ends the waiting too. */
export async function ask(path, body, signal) {
  for (let tried = 0; tried < MOST; tried++) {
    const told = await api(`/lab/${path}`, { body, signal });
    if (told.wait === undefined) return told;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    signal?.throwIfAborted();
  }
  throw new Error("The lab was busy for a long time. Try again later.");
}
