// @ts-check
// `lossless.js` in a thread of its own, which is started with the first film.

/** @type {Worker | null} */
let worker = null;
let asked = 0;
/** @type {Map<number, { done: (samples: Uint16Array) => void, refuse: (error: Error) => void }>} */
const waiting = new Map();

/**
 * Return a promise of the film's samples; the residuals are transferred to the worker thread.
 * @param {ArrayBuffer} residuals  as `restored` takes them
 * @returns {Promise<Uint16Array>}
 */
export function restoredBeside(residuals, /** @type {number} */ width, /** @type {number} */ height) {
  if (residuals.byteLength !== 2 * width * height) return Promise.reject(new Error("The film did not arrive whole. Load the page again."));
  return new Promise((done, refuse) => {
    waiting.set(++asked, { done, refuse });
    (worker ??= started()).postMessage({ number: asked, residuals, width, height }, [residuals]);
  });
}

function started() {
  const made = new Worker("/static/js/lossless_worker.js", { type: "module" });
  made.addEventListener("message", ({ data: { number, samples } }) => {
    waiting.get(number)?.done(samples);
    waiting.delete(number);
  });
  made.addEventListener("error", () => {
    for (const { refuse } of waiting.values()) refuse(new Error("The browser could not unpack the film. Load the page again."));
    waiting.clear();
    worker = null; // the next film starts another worker
  });
  return made;
}
