// @ts-check
// A thread of its own for `lossless.js`: films that are fetched ahead do not hold up the one that is looked at.
import { restored } from "./lossless.js";

addEventListener("message", ({ data: { number, residuals, width, height } }) => {
  const samples = restored(residuals, width, height);
  postMessage({ number, samples }, { transfer: [samples.buffer] });
});
