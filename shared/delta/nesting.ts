/**
 * True where values lie in one another deeper than so many levels. Whatever walks a value later does so by recursion, so that a log could
 * otherwise break off its reader.
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) {
    if (isDeeperThan((value as Readonly<Record<string, unknown>>)[name], levels - 1)) return true;
  }
  return false;
}
