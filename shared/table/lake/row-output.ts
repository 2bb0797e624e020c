/** Rows as JavaScript has them, from their texts: nothing is lost on the way. */
import type {
  ArrayType,
  ColumnTypes,
  DataType,
  MapType,
  PrimitiveType,
  Schema,
  StructField,
  StructType,
} from "../../plan/index.ts";

/**
 * A row by column name. boolean: boolean; byte, short, integer, float and double: number; long: bigint; decimal, string, date (`2026-01-02`), timestamp
 * (`2026-01-02T03:04:05.678901Z`) and timestamp_ntz (the same without Z): string; binary: Uint8Array; array: array; map: Map; struct: object;
 * variant: its JSON text, in which decimals have all their digits.
 */
export type OutputRow = Readonly<Record<string, unknown>>;

/** The JavaScript value of a column's type; see `OutputRow`. */
export type OutputValue<Type extends DataType> =
  Type extends PrimitiveType<"boolean">
    ? boolean
    : Type extends PrimitiveType<"long">
      ? bigint
      : Type extends PrimitiveType<"byte" | "short" | "integer" | "float" | "double">
        ? number
        : Type extends PrimitiveType<"binary">
          ? Uint8Array
          : Type extends ArrayType<infer Element>
            ? readonly (OutputValue<Element> | null)[]
            : Type extends MapType<infer Key, infer Value>
              ? ReadonlyMap<OutputValue<Key>, OutputValue<Value> | null>
              : Type extends StructType<infer Fields>
                ? {
                    readonly [Name in keyof Fields]: Fields[Name] extends StructField<infer Field>
                      ? OutputValue<Field> | null
                      : never;
                  }
                : string;

/** A row of a table whose columns' types are known to the compiler; else an `OutputRow`. */
export type RowOf<Types extends ColumnTypes> = string extends keyof Types
  ? OutputRow
  : { readonly [Name in keyof Types]: OutputValue<Types[Name]> | null };

/** What became of a row of a table: what it was, or has become, and in which version. */
export type ChangeOf<Types extends ColumnTypes> = RowOf<Types> & {
  readonly _change_type: "insert" | "delete" | "update_preimage" | "update_postimage";
  readonly _commit_version: bigint;
  readonly _commit_timestamp: string;
};

/** Numbers as their digits: 64-bit integers do not fit into JavaScript's numbers. No object of a variant has this key. */
const digitsKey = Symbol("digits");
interface Digits {
  readonly [digitsKey]: string;
}

/** Takes the text of a row (see `readRowTexts`) apart. */
export function rowOfText(text: string, schema: Schema): OutputRow {
  const json = (JSON as unknown as ExactJson).parse(text, (_key, value, { source }) =>
    typeof value === "number" ? ({ [digitsKey]: source ?? String(value) } satisfies Digits) : value,
  );
  return structOf(json as Readonly<Record<string, unknown>>, schema);
}

/** The language gives the source of a value; its library types do not yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}

function structOf(json: Readonly<Record<string, unknown>>, { fields }: Schema): OutputRow {
  const known = fields as Readonly<Record<string, StructField>>;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, valueOf(value, known[name]?.type ?? { kind: "string" })]),
  );
}

function valueOf(value: unknown, type: DataType): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case "struct":
      return structOf(value as Readonly<Record<string, unknown>>, type);
    case "array":
      return (value as readonly unknown[]).map((element) => valueOf(element, type.element));
    case "map":
      return new Map(
        (value as readonly { readonly key: unknown; readonly value: unknown }[]).map((entry) => [
          valueOf(entry.key, type.key),
          valueOf(entry.value, type.value),
        ]),
      );
    case "long":
      return BigInt((value as Digits)[digitsKey]);
    case "byte":
    case "short":
    case "integer":
      return Number((value as Digits)[digitsKey]);
    case "float":
    case "double":
      return Number(typeof value === "string" ? value : (value as Digits)[digitsKey]);
    case "binary":
      return Uint8Array.from(Buffer.from(value as string, "base64"));
    case "variant":
      return variantText(value);
    default:
      return value;
  }
}

/** The text that a value was parsed from, without blanks. */
function variantText(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (digitsKey in value) return (value as Digits)[digitsKey];
  if (Array.isArray(value)) return `[${value.map(variantText).join(",")}]`;
  return `{${Object.entries(value)
    .map(([name, each]) => `${JSON.stringify(name)}:${variantText(each)}`)
    .join(",")}}`;
}
