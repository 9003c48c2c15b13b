// @ts-check
// Protection from reports that nobody meant: a key that is pressed twice, that is held, or that a remote desktop repeats.

/** Time after a study's films were shown in which the viewer accepts no report, in milliseconds. */
export const VIEWER_GUARD_MS = 1000;

/** Time after a row has moved up into the selection in which the list ignores report keys, in milliseconds. */
export const LIST_GUARD_MS = 1000;

/** Shortest pause before a report key counts, in milliseconds: repeats of a held key are 30 to 100 ms apart. */
const QUIET_MS = 200;

/** Filter of accidental presses of the report keys; one per page. */
export class ReportKeys {
  #pressed = -Infinity;

  /** Record a press; return true if it is a separate press and not a repeat of a held key. */
  press(/** @type {KeyboardEvent} */ event) {
    const at = performance.now();
    const quiet = at - this.#pressed >= QUIET_MS;
    this.#pressed = at;
    return quiet && !event.repeat;
  }
}

/** Let a held Enter key act only once on these buttons; a space key acts only on release. */
export function onePressOnly(/** @type {Iterable<HTMLButtonElement>} */ buttons) {
  for (const button of buttons) {
    button.addEventListener("keydown", (event) => {
      if (event.repeat && event.key === "Enter") event.preventDefault();
    });
  }
}
