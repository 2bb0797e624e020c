/** A function of SQL that gives variants as JSON text, exactly: DuckDB's own texts of them lose digits and are not always JSON. */
import {
  ANY,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBScalarFunction,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBUUIDValue,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBVector,
} from "@duckdb/node-api";
import { isDyneError, limits } from "../../core/index.ts";
import {
  binaryText,
  dateText,
  decimalText,
  doubleText,
  floatText,
  timestampText,
  timeText,
} from "../variant/leaf-text.ts";
import { shreddedText, type TypedVariant, type VariantGroup } from "../variant/shredded-variant.ts";
import { brokenVariant } from "../variant/variant-bytes.ts";
import { variantNames, type VariantNames } from "../variant/variant-names.ts";
import type { TextBudget } from "../variant/variant-text.ts";

/** `name(variant, place)`: of a group of the columns `metadata`, `value` and `typed_value` of a file, and where that is, for errors. */
export const variantFunction = "dyne_variant_text";

/** Registers the function for all connections of the instance. A variant that is broken fails the job with DATA_ERROR. */
export function registerVariantFunction(connection: DuckDBConnection): void {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: variantFunction,
      parameterTypes: [ANY, VARCHAR],
      returnType: VARCHAR,
      specialHandling: true,
      mainFunction: (info, input, output) => {
        const failure = writeTexts(input, output);
        if (failure !== undefined) info.setError(failure);
      },
    }),
  );
}

/** Gives what is wrong with one of them. */
function writeTexts(input: DuckDBDataChunk, output: DuckDBVector): string | undefined {
  const variants = input.getColumnVector(0);
  const budget: TextBudget = { charactersLeft: limits.variantCharactersMax };
  const reader = new GroupReader(budget);
  for (let row = 0; row < input.rowCount; row++) {
    try {
      const variant = variants.getItem(row);
      output.setItem(row, variant === null ? null : reader.text(variant, variants.type));
    } catch (error) {
      const place = String(input.getColumnVector(1).getItem(row));
      return `DATA_ERROR: ${place}: ${isDyneError(error) ? error.message : String(error)}`;
    }
  }
  output.flush();
  return undefined;
}

/** Rows beside each other mostly have the same names: those of the last one are kept. */
class GroupReader {
  readonly #budget: TextBudget;
  #metadata: Uint8Array | undefined;
  #names: VariantNames | undefined;

  constructor(budget: TextBudget) {
    this.#budget = budget;
  }

  text(variant: DuckDBValue, type: DuckDBType): string {
    const metadata = bytesOf(entry(variant, "metadata"));
    if (metadata === undefined) throw brokenVariant("it has no metadata");
    if (this.#names === undefined || this.#metadata === undefined || Buffer.compare(metadata, this.#metadata) !== 0) {
      // The bytes are DuckDB's, which takes them back.
      this.#metadata = Uint8Array.from(metadata);
      this.#names = variantNames(this.#metadata);
    }
    return shreddedText(this.#names, groupOf(variant, type), this.#budget);
  }
}

function groupOf(group: DuckDBValue, type: DuckDBType): VariantGroup {
  return {
    value: bytesOf(entry(group, "value")),
    typed: typedOf(entry(group, "typed_value"), entryType(type, "typed_value")),
  };
}

function typedOf(value: DuckDBValue, type: DuckDBType | undefined): TypedVariant | undefined {
  if (value === null || type === undefined) return undefined;
  if (value instanceof DuckDBStructValue && type instanceof DuckDBStructType) {
    const fields = type.entryNames.map((name, index) => {
      const group = value.entries[name] ?? null;
      return [name, groupOf(group, type.entryTypes[index] as DuckDBType)] as const;
    });
    return { kind: "object", fields };
  }
  if (value instanceof DuckDBListValue && type instanceof DuckDBListType)
    return { kind: "array", elements: value.items.map((item) => groupOf(item, type.valueType)) };
  return { kind: "leaf", text: leafText(value, type) };
}

function entry(group: DuckDBValue, name: string): DuckDBValue {
  return group instanceof DuckDBStructValue ? (group.entries[name] ?? null) : null;
}

function entryType(type: DuckDBType, name: string): DuckDBType | undefined {
  return type instanceof DuckDBStructType ? type.entryTypes[type.entryNames.indexOf(name)] : undefined;
}

function bytesOf(value: DuckDBValue): Uint8Array | undefined {
  return value instanceof DuckDBBlobValue ? value.bytes : undefined;
}

/** The types that VariantShredding.md § Shredded Value Types has. */
function leafText(value: DuckDBValue, type: DuckDBType): string {
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    const spelled = type.toString();
    return spelled === "DOUBLE" ? doubleText(value) : spelled === "FLOAT" ? floatText(value) : String(value);
  }
  if (value instanceof DuckDBDecimalValue) return decimalText(value.value, value.scale);
  if (value instanceof DuckDBDateValue) return dateText(value.days);
  if (value instanceof DuckDBTimestampTZValue) return timestampText(value.micros, 1_000_000n, true);
  if (value instanceof DuckDBTimestampValue) return timestampText(value.micros, 1_000_000n, false);
  if (value instanceof DuckDBTimestampNanosecondsValue) return timestampText(value.nanos, 1_000_000_000n, false);
  if (value instanceof DuckDBBlobValue) return binaryText(value.bytes);
  if (value instanceof DuckDBUUIDValue) return JSON.stringify(value.toString());
  const time = value instanceof DuckDBTimeValue ? timeText(value.micros, 1_000_000n) : undefined;
  if (time === undefined) throw brokenVariant(`it has a column of the type ${type.toString()}`);
  return time;
}
