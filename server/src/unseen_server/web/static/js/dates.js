// @ts-check
// Dates and times: one style on every page, in the reader's own time zone.

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const CALENDAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const UTC = /(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC/g;

/** Return a date: "24 Nov 2026". */
export const day = (/** @type {string | number | Date} */ moment) => DAY.format(new Date(moment));

/** Return a date without a time, such as a birth date "2026-11-24"; it is the same day in every time zone. */
export const calendar = (/** @type {string} */ text) => CALENDAR.format(new Date(text));

/** Return a time of day: "14:05". */
export const clock = (/** @type {string | number | Date} */ moment) => CLOCK.format(new Date(moment));

/** Return a date with its time: "24 Nov 2026, 14:05". */
export const date = (/** @type {string | number | Date} */ moment) => `${day(moment)}, ${clock(moment)}`;

/** Return the moment at which a local day begins, or the day so many days `later`; null if the text is no day. A day of a change of the clocks may begin at 01:00. */
export function beginning(/** @type {string | Date} */ of, later = 0) {
  const day = new Date(typeof of === "string" ? `${of}T00:00` : of);
  return Number.isNaN(day.getTime()) ? null : new Date(day.getFullYear(), day.getMonth(), day.getDate() + later).toISOString();
}

/** Return a server's sentence with its times in the local time zone: "2026-11-24 13:05 UTC" becomes "24 Nov 2026, 14:05". */
export const localised = (/** @type {string} */ sentence) => sentence.replace(UTC, (_, on, at) => date(`${on}T${at}Z`));
