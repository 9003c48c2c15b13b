// @ts-check
// Sentence that confirms a report: normal, abnormal or unsure.

/** Return the message after a report. An unsure report gives no label and requests no second reader; the message states this. */
export const reportedAs = (/** @type {"normal" | "abnormal" | "unsure"} */ outcome) =>
  outcome === "unsure" ? "Reported unsure. It is no label, and nobody is asked to look again." : `Reported ${outcome}.`;
