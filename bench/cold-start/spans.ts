/** Something that took from one moment to another, in milliseconds since the process began. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How much of a span is covered by others, each moment counted once. */
export function coveredMs(within: Span, spans: readonly Span[]): number {
  let coveredMs = 0;
  let untilMs = within.fromMs;
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const fromMs = Math.max(span.fromMs, untilMs);
    const toMs = Math.min(span.toMs, within.toMs);
    if (toMs <= fromMs) continue;
    coveredMs += toMs - fromMs;
    untilMs = toMs;
  }
  return coveredMs;
}
