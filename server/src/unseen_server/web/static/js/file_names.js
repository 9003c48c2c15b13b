// @ts-check
// File names of films: a worklist with pseudonyms, or an account that may not see names, has only their keyed hashes.

const HASH = /^[0-9a-f]{64}$/;

/** Return the file name, or null for a keyed hash, with which a person can identify no file. */
export const readable = (/** @type {string} */ name) => (HASH.test(name) ? null : name || null);

/** Return sentences with which a person finds a file that cannot be shown. */
export function fileInWords(/** @type {{ name: string, sha256: string }} */ { name, sha256 }) {
  const known = readable(name);
  if (known) return `The file's name is ${known}.`;
  const bySum = `To find it, compute the SHA-256 of your files, for example with sha256sum: that of this file begins with ${sha256.slice(0, 16)}.`;
  if (name === "") return `The file was received without a name. ${bySum}`;
  return `File names can name patients, so only a keyed hash of the file's name is available here. ${bySum} To test a name, enter it exactly in the search of the list. A film that the DICOM node received has its SOP Instance UID as its name, and a SHA-256 of its own.`;
}
