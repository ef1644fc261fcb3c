// Days in the time zone of the browser, as a field of a form has them: "2026-11-27".

const two = (value: number): string => String(value).padStart(2, "0");

/** Returns the day of a time. */
export const day = (time: Date): string => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;

/** Returns the first second of a day, for the API. */
export const beginOfDay = (value: string): string => new Date(`${value}T00:00`).toISOString();

/** Returns the last second of a day, for the API. */
export const endOfDay = (value: string): string => new Date(`${value}T23:59:59`).toISOString();

const format = new Intl.DateTimeFormat("en", { dateStyle: "medium" });

/** Returns the day of a time of the API in words, as "Nov 27, 2026". */
export const shown = (time: string): string => format.format(new Date(time));
