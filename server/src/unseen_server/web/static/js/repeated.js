// @ts-check
// Requests of a page that stays open: repeated until the server answers, as long as their answer is wanted.
import { ApiError, sentenceIn } from "./api.js";

/** Delay before a failed request is repeated, in milliseconds. */
export const AGAIN_MS = 3000;

/** Report true if the same request may succeed later: the server was not reached, or was busy. */
export const mayComeBack = (/** @type {unknown} */ error) => error instanceof ApiError && (error.status < 400 || error.status >= 500 || [408, 429].includes(error.status));

/**
 * Return the answer to a request; undefined once it is no longer wanted.
 * @template V
 * @param {() => Promise<V>} ask
 * @param {() => boolean} wanted
 * @param {(sentence: string) => void} missing  gets the reason of each failure
 * @returns {Promise<V | undefined>}
 */
export async function untilAnswered(ask, wanted, missing) {
  for (;;) {
    try {
      const answer = await ask();
      return wanted() ? answer : undefined;
    } catch (error) {
      if (!wanted()) return undefined;
      missing(sentenceIn(error));
      if (!mayComeBack(error)) throw error;
    }
    await new Promise((done) => setTimeout(done, AGAIN_MS));
    if (!wanted()) return undefined;
  }
}
