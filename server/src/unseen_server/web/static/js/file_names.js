// @ts-check
// File names of films: a worklist with pseudonyms, or an account that may not see names, has only their keyed hashes.

const HASH = /^[0-9a-f]{64}$/;

/** Return the file name, or null for a keyed hash, with which a person can identify no file. */
export const readable = (/** @type {string} */ name) => (HASH.test(name) ? null : name || null);

/** Return a sentence that identifies a file that cannot be shown. */
export function fileInWords(/** @type {string} */ name) {
  const known = readable(name);
  return known ? `The file's name is ${known}.` : "File names can name patients, so only a keyed hash of the file's name is available here. To find a film by its file name, enter the exact name in the search of the list.";
}
