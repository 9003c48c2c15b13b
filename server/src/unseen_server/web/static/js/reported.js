// @ts-check
// Sentence that confirms a report: normal, abnormal or unsure.

/** A study that left its reader unsure is no label, and no queue asks for a second reader: the page says so. */
export const reportedAs = (/** @type {"normal" | "abnormal" | "unsure"} */ outcome) =>
  outcome === "unsure" ? "Reported unsure. It is no label, and nobody is asked to look again." : `Reported ${outcome}.`;
