/** Times and sizes as people say them. */

const DAY = 86_400_000;
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const formatDay = (date: string): string => day.format(new Date(date));
export const formatMoment = (date: string): string => moment.format(new Date(date));

/** Under which heading something of that date stands in a list. */
export function nameAge(date: string, now = new Date()): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const age = midnight - new Date(date).getTime();
  if (age <= 0) return "Today";
  if (age <= DAY) return "Yesterday";
  return age <= 7 * DAY ? "Last seven days" : "Earlier";
}

export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })} ${units[power]}`;
}
