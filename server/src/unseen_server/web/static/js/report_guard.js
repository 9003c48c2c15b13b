// @ts-check
// Protection from reports that nobody meant: a key that is pressed twice, that is held, or that a remote desktop repeats.

/** The viewer lets nobody report a study in this time after its films were shown, in milliseconds. */
export const VIEWER_GUARD_MS = 1000;

/** The list ignores a report key in this time after a row has moved up into the selection, in milliseconds. */
export const LIST_GUARD_MS = 1000;

/** A report key counts only after this long without one, in milliseconds: repeats of a held key are 30 to 100 ms apart. */
const QUIET_MS = 200;

/** Whether presses of the report keys are meant; one for each page. */
export class ReportKeys {
  #pressed = -Infinity;

  /** Take note of a press; true where it is one of its own, and no repeat of a key that is held. */
  press(/** @type {KeyboardEvent} */ event) {
    const at = performance.now();
    const quiet = at - this.#pressed >= QUIET_MS;
    this.#pressed = at;
    return quiet && !event.repeat;
  }
}

/** Let a held Enter key act once on these buttons; a space key acts when it is released, and so once. */
export function onePressOnly(/** @type {Iterable<HTMLButtonElement>} */ buttons) {
  for (const button of buttons) {
    button.addEventListener("keydown", (event) => {
      if (event.repeat && event.key === "Enter") event.preventDefault();
    });
  }
}
