/** Which changes of a column's type are a widening (PROTOCOL.md § Type Widening). */
import type { DataType, StructField } from "../plan/index.ts";

/** The metadata of a field that lists the changes of its type (PROTOCOL.md § Type Change Metadata). */
export const typeChangesKey = "delta.typeChanges";

const integerDigits: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 };
const integers: readonly string[] = ["byte", "short", "integer", "long"];

/** True where every value of the one type is a value of the other, by the changes that Delta allows. */
export function isWidening(from: DataType, to: DataType): boolean {
  switch (to.kind) {
    case "short":
    case "integer":
    case "long":
      return integers.includes(from.kind) && integers.indexOf(from.kind) < integers.indexOf(to.kind);
    case "double":
      return from.kind === "float" || (integers.includes(from.kind) && from.kind !== "long");
    case "timestamp_ntz":
      return from.kind === "date";
    case "decimal": {
      const [precision, scale] =
        from.kind === "decimal" ? [from.precision, from.scale] : [integerDigits[from.kind] ?? Infinity, 0];
      const [more, finer] = [to.precision - precision, to.scale - scale];
      return finer >= 0 && more >= finer && (from.kind !== "decimal" || more > 0);
    }
    default:
      return false;
  }
}

/** True where all changes that a field lists are ones that files are read across. `typeOf` reads a type as schemas have it. */
export function hasKnownTypeChanges({ metadata }: StructField, typeOf: (json: unknown) => DataType): boolean {
  const changes = metadata?.[typeChangesKey];
  if (changes === undefined) return true;
  return Array.isArray(changes) && changes.every((change: unknown) => isKnownChange(change, typeOf));
}

function isKnownChange(change: unknown, typeOf: (json: unknown) => DataType): boolean {
  if (typeof change !== "object" || change === null || !("fromType" in change) || !("toType" in change)) return false;
  try {
    return isWidening(typeOf(change.fromType), typeOf(change.toType));
  } catch {
    // A type that is not known is a change that is not known.
    return false;
  }
}
