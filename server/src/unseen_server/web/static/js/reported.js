// @ts-check
// Sentence that confirms a report: normal, abnormal or unsure.

/** Return the message after a report. An unsure report gives no label and requests no second reader; the message states this. */
export const reportedAs = (/** @type {"normal" | "abnormal" | "unsure"} */ outcome, withNote = false) =>
  `Reported ${outcome}${withNote ? ", with your note" : ""}.${outcome === "unsure" ? " It is no label, and nobody is asked to look again." : ""}`;
