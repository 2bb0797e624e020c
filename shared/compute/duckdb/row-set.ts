/** Rows in memory become a temporary table, by data chunks. */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  INTEGER,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import { DuckDBBlobValue } from "@duckdb/node-api";
import { duckdbType, type DataType } from "../../plan/index.ts";
import type { RowSet, RowValue } from "../compute.ts";
import { identifier } from "./identifier.ts";
import { nestedFromJson } from "./nested-from-json.ts";
import { TableLoader } from "./table-loader.ts";

/** How a type travels in chunks, and how it is read back as the type. */
interface Carrier {
  readonly type: DuckDBType;
  readonly value: (value: Exclude<RowValue, null>) => DuckDBValue;
  readonly read: (column: string, type: DataType) => string;
}

const asIs = (value: Exclude<RowValue, null>): DuckDBValue => value as DuckDBValue;
const plain = (column: string): string => column;
const cast = (column: string, type: DataType): string => `CAST(${column} AS ${duckdbType(type)})`;

function carrier(type: DataType): Carrier {
  switch (type.kind) {
    case "boolean":
      return { type: BOOLEAN, value: asIs, read: plain };
    case "long":
      return { type: BIGINT, value: (v) => BigInt(v as bigint | number), read: plain };
    case "byte":
    case "short":
    case "integer":
      return { type: INTEGER, value: asIs, read: cast };
    case "float":
    case "double":
      return { type: DOUBLE, value: asIs, read: cast };
    case "timestamp":
      return { type: BIGINT, value: asIs, read: (column) => `make_timestamptz(${column})` };
    case "timestamp_ntz":
      return { type: BIGINT, value: asIs, read: (column) => `make_timestamp(${column})` };
    case "date":
      return { type: INTEGER, value: asIs, read: (column) => `(DATE '1970-01-01' + ${column})` };
    case "binary":
      return { type: BLOB, value: (v) => new DuckDBBlobValue(v as Uint8Array), read: plain };
    case "array":
    case "map":
    case "struct":
      return { type: VARCHAR, value: asIs, read: nestedFromJson };
    default:
      return { type: VARCHAR, value: asIs, read: type.kind === "string" ? plain : cast };
  }
}

/** Loads `rows` and returns a relation with the schema's columns in their types. */
export async function loadRowSet(connection: DuckDBConnection, table: string, rows: RowSet): Promise<string> {
  const columns = Object.entries(rows.schema.fields as Record<string, { type: DataType }>).map(([name, field]) => ({
    name,
    type: field.type,
    carrier: carrier(field.type),
    values: rows.columns[name] ?? [],
  }));
  const definition = columns.map((c) => `${identifier(c.name)} ${c.carrier.type.toString()}`).join(", ");
  await connection.run(`CREATE TEMP TABLE ${identifier(table)} (${definition})`);
  const loader = await TableLoader.open(
    connection,
    table,
    columns.map((column) => column.carrier.type),
  );
  try {
    for (let row = 0; row < rows.rowCount; row++) {
      loader.append(
        columns.map(({ values, carrier }) => {
          const value = values[row];
          return value === null || value === undefined ? null : carrier.value(value);
        }),
      );
    }
    loader.flush();
  } finally {
    loader.close();
  }
  const selected = columns.map((c) => `${c.carrier.read(identifier(c.name), c.type)} AS ${identifier(c.name)}`);
  return `(SELECT ${selected.join(", ")} FROM ${identifier(table)})`;
}
