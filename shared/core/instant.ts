/** Instants as microseconds since the epoch, and as the text of the logs: ISO-8601 with microseconds and Z. */

/** `2026-01-02T03:04:05.678901Z` from microseconds. Years outside of 0000–9999 have a sign and six digits, as in ISO-8601. */
export function instantText(micros: bigint): string {
  const second = 1_000_000n;
  const rest = ((micros % second) + second) % second;
  const base = new Date(Number((micros - rest) / 1000n)).toISOString();
  return `${base.slice(0, -".000Z".length)}.${String(rest).padStart(6, "0")}Z`;
}

/** Microseconds from the text that `instantText` gives. */
export function instantMicros(text: string): bigint {
  const dot = text.lastIndexOf(".");
  return BigInt(Date.parse(`${text.slice(0, dot)}Z`)) * 1000n + BigInt(text.slice(dot + 1, -1));
}

/** The instant of a clock's milliseconds. */
export function instantOfMs(ms: number): string {
  return instantText(BigInt(Math.trunc(ms)) * 1000n);
}
