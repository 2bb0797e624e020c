/** Where a reader begins. Values are sequence numbers, byte offsets, or milliseconds since 1970. */
export type StartPosition =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | {
      readonly kind: "sequenceNumber" | "offset" | "enqueuedTime";
      readonly value: number;
      readonly inclusive: boolean;
    };

const filterPattern = /^amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time) (>=?) '(-?\d+|@latest)'$/;

/**
 * Reads the selector filter of a receiver's source, such as `amqp.annotation.x-opt-offset > '4711'`. Without a filter a
 * reader begins at the earliest event. Undefined for a filter in another form.
 */
export function parseStartPosition(filter: string | undefined): StartPosition | undefined {
  if (filter === undefined) return { kind: "earliest" };
  const match = filterPattern.exec(filter);
  if (!match) return undefined;
  const [, field, operator, raw] = match;
  if (raw === "@latest") return { kind: "latest" };
  if (raw === "-1" && field === "offset") return { kind: "earliest" };
  const kind = field === "offset" ? "offset" : field === "sequence-number" ? "sequenceNumber" : "enqueuedTime";
  return { kind, value: Number(raw), inclusive: operator === ">=" };
}
