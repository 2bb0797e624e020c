/** Properties of a table that say how long things are kept (`metaData.configuration`). */

const unitsMs: Readonly<Record<string, number>> = {
  week: 7 * 24 * 3_600_000,
  day: 24 * 3_600_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
};

/**
 * A duration such as `interval 30 days`, in milliseconds; `absentMs` where the property is not set. What cannot be read as a duration
 * is endless: nothing is thrown away by a misunderstanding.
 */
export function durationMs(configuration: Readonly<Record<string, string>>, key: string, absentMs: number): number {
  const text = configuration[key];
  if (text === undefined) return absentMs;
  const parts = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, "");
  if (!/^(?:\d+\s+[a-z]+\s*)+$/.test(parts)) return Number.POSITIVE_INFINITY;
  let totalMs = 0;
  for (const [, count, unit = ""] of parts.matchAll(/(\d+)\s+([a-z]+)/g)) {
    totalMs += Number(count) * (unitsMs[unit.replace(/s$/, "")] ?? Number.POSITIVE_INFINITY);
  }
  return totalMs;
}
