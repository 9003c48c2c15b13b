// @ts-check
// State of the viewer: the open study, the film that is shown, the reader who has it, the report made here.
import { there } from "./api.js";

/** @typedef {Page.Returned<"GET /studies/{study}">} Study  @typedef {import("./viewer_claims.js").Claim} Claim */

/**
 * response: the study, as the API has it; shown: which of its films; frame: which of that film's; onScreen: the study whose film is seen, and no other
 * one can be reported; since: when the first of its films was painted; problem: why the film that is shown is none; reported: studies reported here, the latest last.
 */
export const now = {
  response: /** @type {Study | null} */ (null),
  shown: 0,
  frame: 0,
  claim: /** @type {Claim | null} */ (null),
  busy: false,
  onScreen: /** @type {string | null} */ (null),
  since: /** @type {number | null} */ (null),
  problem: "",
  reported: /** @type {string[]} */ ([]),
};

/** The study that is open. */
export const study = () => there(now.response);

/** Whether this film of this study is the one that is shown: what was asked for meanwhile may have come too late. */
export const isShown = (/** @type {string} */ name, /** @type {number} */ place, frame = now.frame) => now.response?.entry.study === name && now.shown === place && now.frame === frame;
