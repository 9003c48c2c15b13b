// @ts-check
// Protection from reports that nobody meant: a key that is pressed twice, that is held, or that a remote desktop repeats.

/** For this long after a study has come by itself nothing can be reported, in milliseconds. */
export const GUARD_MS = 1000;

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
