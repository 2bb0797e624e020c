/**
 * Delta's schema JSON and the engine's types (PROTOCOL.md § Schema Serialization Format).
 *
 *   {"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{}},
 *     {"name":"tags","type":{"type":"array","elementType":"string","containsNull":true},"nullable":true,"metadata":{}}]}
 */
import { z } from "zod";
import { DyneError, limits } from "../core/index.ts";
import type { DataType, PrimitiveKind, Schema, StructField } from "../plan/index.ts";
import { isDeeperThan } from "./nesting.ts";

const primitives: ReadonlySet<string> = new Set<PrimitiveKind>([
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
  "variant",
  "void",
]);

const fieldShape = z.looseObject({
  name: z.string(),
  type: z.unknown(),
  nullable: z.boolean().default(true),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
const structShape = z.looseObject({ type: z.literal("struct"), fields: z.array(fieldShape) });
const arrayShape = z.looseObject({
  type: z.literal("array"),
  elementType: z.unknown(),
  containsNull: z.boolean().default(true),
});
const mapShape = z.looseObject({
  type: z.literal("map"),
  keyType: z.unknown(),
  valueType: z.unknown(),
  valueContainsNull: z.boolean().default(true),
});

/** Reads a table's `schemaString`. Throws UNSUPPORTED_FEATURE for a type that dyne does not know, LOG_CORRUPT for anything that is no schema, LIMIT_EXCEEDED for types too deep in one another. */
export function parseSchema(schemaString: string): Schema {
  let json: unknown;
  try {
    json = JSON.parse(schemaString);
  } catch (cause) {
    throw new DyneError("LOG_CORRUPT", "The table's schemaString is not JSON. Restore the log from a copy.", { cause });
  }
  if (isDeeperThan(json, limits.schemaNestingMax))
    throw new DyneError(
      "LIMIT_EXCEEDED",
      `The table's schema has types in one another to more than ${limits.schemaNestingMax / 3} levels, which dyne does not read. Flatten its columns.`,
    );
  return structOf(json);
}

/** Writes a schema as Spark does. */
export function schemaString(schema: Schema): string {
  return JSON.stringify(typeJson(schema));
}

function structOf(json: unknown): Schema {
  const { fields } = checked(structShape, json);
  const entries = fields.map((field): [string, StructField] => {
    const hasMetadata =
      field.metadata !== null && field.metadata !== undefined && Object.keys(field.metadata).length > 0;
    return [
      field.name,
      { type: typeOf(field.type), nullable: field.nullable, ...(hasMetadata && { metadata: field.metadata! }) },
    ];
  });
  const names = new Set(entries.map(([name]) => name));
  if (names.size < entries.length)
    throw new DyneError(
      "LOG_CORRUPT",
      `The table's schema has two columns of one name beside each other, among: ${[...names].slice(0, 10).join(", ")}. Restore the log from a copy.`,
    );
  return { kind: "struct", fields: Object.fromEntries(entries) };
}

/** Reads a type as a schema has it. Errors: those of `parseSchema`. */
export function typeOf(json: unknown): DataType {
  if (typeof json === "string") return primitiveOf(json);
  const kind = typeof json === "object" && json !== null && "type" in json ? json.type : undefined;
  if (kind === "struct") return structOf(json);
  if (kind === "array") {
    const { elementType, containsNull } = checked(arrayShape, json);
    return { kind: "array", element: typeOf(elementType), containsNull };
  }
  if (kind === "map") {
    const { keyType, valueType, valueContainsNull } = checked(mapShape, json);
    return { kind: "map", key: typeOf(keyType), value: typeOf(valueType), valueContainsNull };
  }
  if (typeof kind === "string" && primitives.has(kind)) return primitiveOf(kind);
  throw unknownType((JSON.stringify(json) ?? "undefined").slice(0, limits.sampleCharacters));
}

function primitiveOf(name: string): DataType {
  if (primitives.has(name)) return { kind: name as PrimitiveKind };
  if (name === "decimal") return { kind: "decimal", precision: 10, scale: 0 };
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(name);
  const [precision, scale] = [Number(decimal?.[1]), Number(decimal?.[2])];
  if (precision >= 1 && precision <= 38 && scale <= precision) return { kind: "decimal", precision, scale };
  throw unknownType(name);
}

/** A type as schemas have it. */
export function typeJson(type: DataType): unknown {
  switch (type.kind) {
    case "struct":
      return {
        type: "struct",
        fields: Object.entries(type.fields as Record<string, StructField>).map(([name, field]) => ({
          name,
          type: typeJson(field.type),
          nullable: field.nullable,
          metadata: field.metadata ?? {},
        })),
      };
    case "array":
      return { type: "array", elementType: typeJson(type.element), containsNull: type.containsNull };
    case "map":
      return {
        type: "map",
        keyType: typeJson(type.key),
        valueType: typeJson(type.value),
        valueContainsNull: type.valueContainsNull,
      };
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    default:
      return type.kind;
  }
}

function checked<T>(shape: z.ZodType<T>, json: unknown): T {
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new DyneError(
    "LOG_CORRUPT",
    `The table's schema is not valid: ${parsed.error.issues[0]?.message ?? ""}. Restore the log from a copy.`,
  );
}

function unknownType(name: string): DyneError {
  return new DyneError(
    "UNSUPPORTED_FEATURE",
    `The table has a column of type "${name}", which dyne cannot read. Change the column's type, or read the table with Spark.`,
    { details: { feature: name } },
  );
}
