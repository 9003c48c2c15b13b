// @ts-check
// State of the viewer: the open study, the film that is shown, the reader who has it, the report made here.
import { there } from "./api.js";

/** @typedef {Page.Returned<"GET /studies/{study}">} Study  @typedef {import("./viewer_claims.js").Claim} Claim */

/**
 * response: the study as the API returns it; shown: index of the current film; frame: index of its current frame; onScreen: study whose film is visible, the only
 * one that can be reported; since: time when its first film was painted; problem: reason why the current film is not displayed; reported: studies reported here, the latest last.
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

/** Return the open study. */
export const study = () => there(now.response);

/**
 * Report true if this film of this study is displayed: a response may arrive after the user has moved on. The film is given by its
 * name, since its index changes when another film of the study comes or goes.
 */
export const isShown = (/** @type {string} */ name, /** @type {string} */ film, frame = now.frame) => now.response?.entry.study === name && now.response.films[now.shown]?.film === film && now.frame === frame;
