// @ts-check
// Files that were dropped or chosen, with their paths; files that systems leave in folders are left out.

const LITTER = /^(\.|~\$|Thumbs\.db$|desktop\.ini$|DICOMDIR$)/i;

/** @typedef {{ file: File, name: string }} Film */

/** Report true if a file is a system file or the index of a DICOM folder, and no film. */
export function isLitter(/** @type {string} */ path) {
  return path.split("/").some((part) => LITTER.test(part));
}

/** Return the films among files, and the number of other files. */
export function sorted(/** @type {Film[]} */ found) {
  const films = found.filter((one) => !isLitter(one.name));
  return { films, litter: found.length - films.length };
}

/** Return the films of an `<input type=file>`. */
export function chosen(/** @type {FileList} */ files) {
  const found = [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
  return sorted(found.sort(byName)); // a folder's files are in no fixed order
}

/** Return the films of a drop, including its folders. Entries are read at once, because a drop's data are valid only during its event. */
export async function dropped(/** @type {DataTransfer} */ transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = items.map((item) => item.getAsFile());
  /** @type {Film[]} */
  const found = [];
  for (const [place, entry] of entries.entries()) {
    const file = files[place];
    if (isFolder(entry)) await walk(entry, found);
    else if (file) found.push({ file, name: file.name });
  }
  return sorted(found);
}

/** @returns {entry is FileSystemDirectoryEntry} */
const isFolder = (/** @type {FileSystemEntry | null} */ entry) => entry?.isDirectory === true;
/** @returns {entry is FileSystemFileEntry} */
const isFile = (/** @type {FileSystemEntry} */ entry) => entry.isFile;
const byName = (/** @type {{ name: string }} */ one, /** @type {{ name: string }} */ other) => one.name.localeCompare(other.name, undefined, { numeric: true });

async function walk(/** @type {FileSystemDirectoryEntry} */ folder, /** @type {Film[]} */ found) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const inside = [];
  for (;;) {
    const some = await /** @type {Promise<FileSystemEntry[]>} */ (new Promise((resolve, reject) => reader.readEntries(resolve, reject))); // at most 100 entries per call
    if (!some.length) break;
    inside.push(...some);
  }
  inside.sort(byName);
  for (const entry of inside) {
    if (isFolder(entry)) await walk(entry, found);
    else if (isFile(entry)) {
      const file = await /** @type {Promise<File>} */ (new Promise((resolve, reject) => entry.file(resolve, reject)));
      found.push({ file, name: entry.fullPath.replace(/^\//, "") });
    }
  }
}
