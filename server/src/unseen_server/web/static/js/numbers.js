// @ts-check
// Numbers with nouns that agree: "1 study", "2,400 studies".

/** Return a number with its noun, which is given in the singular; `several` is an irregular plural. */
export function numberOf(/** @type {number} */ n, /** @type {string} */ noun, several = noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`) {
  return `${n.toLocaleString("en-GB")} ${n === 1 ? noun : several}`;
}
