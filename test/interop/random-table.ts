/** Tables of random columns and rows, and what happens to them, all from a seed. */
import { seededRandom, type Random } from "../../shared/core/index.ts";
import { schemaString } from "../../shared/delta/index.ts";
import type { DataType, PrimitiveKind, Schema, StructField } from "../../shared/plan/index.ts";

/** `id` is the key, and `note` a text; the other columns are random. Rows are texts in the form of `dyne table read`. */
export interface RandomTable {
  readonly seed: number;
  readonly schema: Schema;
  readonly schemaJson: string;
  readonly partitionBy: readonly string[];
  readonly first: readonly string[];
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly kind: "append" | "overwrite" | "merge"; readonly rows: readonly string[] }
  | { readonly kind: "delete"; readonly where: string }
  | { readonly kind: "update"; readonly set: Readonly<Record<string, string>>; readonly where: string }
  | { readonly kind: "optimize" | "checkpoint" };

const stepsCount = 6;
const nestingMax = 2;
const kinds = [
  "boolean",
  "byte",
  "short",
  "integer",
  "long",
  "float",
  "double",
  "string",
  "binary",
  "date",
  "timestamp",
  "timestamp_ntz",
] as const;
const partitionKinds: ReadonlySet<string> = new Set(["boolean", "integer", "long", "string", "date"]);

export interface RandomOptions {
  /** Names of columns that only tables with column mapping can have. */
  readonly oddNames?: boolean;
  readonly steps?: number;
  /** What text columns by which the table is partitioned may hold. */
  readonly partitionTexts?: readonly string[];
}

/** Without the empty text, which is NULL as a partition value (PROTOCOL.md § Partition Value Serialization). */
const partitionTextsOfAll = ["a", "A", "it's", 'a "quote"', "a/b", "x=y", "100%", "äöü", "😀", "x".repeat(40)] as const;

/** What ends a name that is odd. */
const oddEnds = [" of it", ",;", "{a}", "(b)", "=", "'s", "äöü", "😀", ".x", "%20", '"q"', "`b`", ":/", "\\"] as const;

/** The table of a seed. */
export function randomTable(
  seed: number,
  { oddNames = false, steps: count = stepsCount, partitionTexts = partitionTextsOfAll }: RandomOptions = {},
): RandomTable {
  const draw = new Draw(seededRandom(seed));
  const fields: Record<string, StructField> = {
    id: { type: { kind: "long" }, nullable: true },
    note: { type: { kind: "string" }, nullable: true },
  };
  for (let column = 0; column < 2 + draw.below(5); column++)
    fields[`c${column}${oddNames ? draw.one(oddEnds) : ""}`] = { type: draw.type(nestingMax), nullable: true };
  const schema: Schema = { kind: "struct", fields };
  const fit = Object.entries(fields).filter(
    ([name, { type }]) => name.startsWith("c") && partitionKinds.has(type.kind),
  );
  const partitionBy = draw.below(2) === 0 ? fit.slice(0, 1 + draw.below(2)).map(([name]) => name) : [];
  let nextId = 1;
  const row = (id: number): string => draw.row(schema, id, partitionBy, partitionTexts);
  const rows = (count: number): readonly string[] => Array.from({ length: count }, () => row(nextId++));
  const first = rows(4 + draw.below(20));
  const steps = Array.from({ length: count }, (): Step => {
    const where = `id % ${2 + draw.below(4)} = ${draw.below(2)}`;
    switch (draw.below(8)) {
      case 0:
      case 1:
        return { kind: "append", rows: rows(1 + draw.below(15)) };
      case 2:
        return { kind: "delete", where };
      case 3:
        return { kind: "update", set: { note: `'set at ${draw.below(100)}'` }, where };
      case 4: {
        const known = Array.from({ length: 1 + draw.below(4) }, (_, i) => 1 + i * (1 + draw.below(3)));
        const again = [...new Set(known)].map(row);
        return { kind: "merge", rows: [...again.filter((_, i) => known[i]! < nextId), ...rows(2)] };
      }
      case 5:
        return { kind: "optimize" };
      case 6:
        return { kind: "checkpoint" };
      default:
        return { kind: "overwrite", rows: rows(1 + draw.below(10)) };
    }
  });
  return { seed, schema, schemaJson: schemaString(schema), partitionBy, first, steps };
}

class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  type(depth: number): DataType {
    const nested = depth > 0 ? this.below(10) : 9;
    if (nested === 0) return { kind: "array", element: this.type(depth - 1), containsNull: true };
    if (nested === 1) {
      const key: DataType = { kind: this.one(["string", "integer", "date"] as const) };
      return { kind: "map", key, value: this.type(depth - 1), valueContainsNull: true };
    }
    if (nested === 2) {
      const names = ["a", "b", "c"].slice(0, 1 + this.below(3));
      const fields = names.map((name) => [name, { type: this.type(depth - 1), nullable: true }]);
      return { kind: "struct", fields: Object.fromEntries(fields) as Record<string, StructField> };
    }
    if (nested === 3 || nested === 4) {
      const precision = 1 + this.below(38);
      return { kind: "decimal", precision, scale: this.below(precision + 1) };
    }
    // delta-rs 1.6.6 does not see a timestampNtz within a map, and then refuses to read what it wrote.
    return { kind: this.one(depth === nestingMax ? kinds : kinds.slice(0, -1)) };
  }

  row({ fields }: Schema, id: number, partitionBy: readonly string[], partitionTexts: readonly string[]): string {
    const others = Object.entries(fields)
      .filter(([name]) => name !== "id")
      .map(([name, { type }]) => {
        const isPartition = type.kind === "string" && partitionBy.includes(name);
        const value = isPartition ? this.nowAndThenNull(() => this.text(partitionTexts)) : this.value(type);
        return `${JSON.stringify(name)}:${value}`;
      });
    return `{"id":${id},${others.join(",")}}`;
  }

  /** A value as JSON, NULL now and then. */
  value(type: DataType): string {
    return this.nowAndThenNull(() => this.present(type));
  }

  nowAndThenNull(present: () => string): string {
    return this.below(6) === 0 ? "null" : present();
  }

  text(texts: readonly string[]): string {
    return JSON.stringify(this.one(texts));
  }

  present(type: DataType): string {
    switch (type.kind) {
      case "array":
        return `[${this.several(() => this.value(type.element))}]`;
      case "map":
        return this.map(type.key, type.value);
      case "struct":
        return this.struct(type);
      case "decimal":
        return JSON.stringify(this.decimal(type.precision, type.scale));
      default:
        return this.primitive(type.kind);
    }
  }

  struct({ fields }: Schema): string {
    const values = Object.entries(fields).map(([name, { type }]) => `${JSON.stringify(name)}:${this.value(type)}`);
    return `{${values.join(",")}}`;
  }

  several(make: () => string): string {
    return Array.from({ length: this.below(4) }, make).join(",");
  }

  map(key: DataType, value: DataType): string {
    const keys = new Set(Array.from({ length: this.below(3) }, () => this.present(key)));
    return `[${[...keys].map((each) => `{"key":${each},"value":${this.value(value)}}`).join(",")}]`;
  }

  decimal(precision: number, scale: number): string {
    const digits = Array.from({ length: 1 + this.below(precision) }, () => this.below(10)).join("");
    const padded = digits.padStart(scale + 1, "0");
    const [whole, rest] = [padded.slice(0, padded.length - scale), padded.slice(padded.length - scale)];
    const text = `${BigInt(whole)}${scale === 0 ? "" : `.${rest}`}`;
    return this.below(2) === 0 || !/[1-9]/.test(text) ? text : `-${text}`;
  }

  primitive(kind: PrimitiveKind): string {
    switch (kind) {
      case "boolean":
        return this.one(["true", "false"]);
      case "byte":
        return this.whole(8);
      case "short":
        return this.whole(16);
      case "integer":
        return this.whole(32);
      case "long":
        return this.whole(64);
      case "float":
        return this.one([
          "0",
          "0.5",
          "-1.25",
          "3.4028234663852886e38",
          "1.1754943508222875e-38",
          '"NaN"',
          '"Infinity"',
          '"-Infinity"',
        ]);
      case "double":
        return this.one([
          "0",
          "0.1",
          "-1.25",
          "1.7976931348623157e308",
          "5e-324",
          '"NaN"',
          '"Infinity"',
          '"-Infinity"',
        ]);
      case "string":
        return this.text(["", ...partitionTextsOfAll]);
      case "binary":
        return JSON.stringify(this.one(["", "AA==", "AP8=", "aGVsbG8="]));
      case "date":
        return JSON.stringify(this.one(["1970-01-01", "1969-12-31", "2024-02-29", "9999-12-31", "0001-01-01"]));
      case "timestamp":
        return JSON.stringify(`${this.instant()}Z`);
      case "timestamp_ntz":
        return JSON.stringify(this.instant());
      default:
        throw new Error(`no ${kind} is drawn`);
    }
  }

  whole(bits: number): string {
    const limit = 2n ** BigInt(bits - 1);
    return String(this.one([0n, 1n, -1n, limit - 1n, -limit, BigInt(this.below(100))]));
  }

  instant(): string {
    return this.one([
      "1970-01-01T00:00:00.000000",
      "1969-12-31T23:59:59.999999",
      "2024-02-29T12:34:56.789012",
      "9999-12-31T23:59:59.999999",
      "1900-01-01T00:00:00.000001",
    ]);
  }
}
