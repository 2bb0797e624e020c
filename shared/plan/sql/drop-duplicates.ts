/**
 * De-duplication within a watermark's delay as one query: a row goes iff an earlier emitted row with the same key lies within the delay
 * in event time (SPEC.md 5). "Emitted" makes it a fold over the rows of a key. Keys that occur once need no fold; only contested
 * ones are folded, over lists. A row without event time lies within no delay and stays.
 */
import { DyneError } from "../../core/errors.ts";
import type { Dialect } from "../functions/function-definition.ts";
import type { Schema } from "../types.ts";
import { groupedValue } from "./grouped-value.ts";
import { quoteName } from "./quoting.ts";

export interface DropDuplicates {
  /** What can stand after FROM: a quoted name, or a query in parentheses. */
  readonly input: string;
  /** The columns of the output, in order. */
  readonly columns: readonly string[];
  /** The types of columns, as far as they are known: what may hold zeros is sorted by another value, so that it keeps their signs. */
  readonly schema?: Schema | undefined;
  /** The same for rows emitted before, which come first: the key columns and the event time under their names in the input. */
  readonly state?: string | undefined;
  readonly keys: readonly string[];
  /** A timestamp column. */
  readonly eventTime: string;
  readonly delayMs: number;
  /** Columns that say which row is earlier, most significant first; together they must be unique. NULLs come first. */
  readonly order: readonly string[];
  readonly dialect?: Dialect;
}

/** Names of its own begin with `__dyne`, which no column of a table does: `e.t` would be a field of a column `e` before it is the lambda's. */
interface Spelling {
  readonly micros: (time: string) => string;
  readonly equal: string;
  readonly lists: string;
  readonly fold: (rows: string, emitted: string, delayMicros: string) => string;
  readonly contains: (list: string, value: string) => string;
}

const spellings: Readonly<Record<Dialect, Spelling>> = {
  duckdb: {
    // 128 bits, so that the distance of any two timestamps fits.
    micros: (time) => `CAST(epoch_us(${time}) AS HUGEINT)`,
    equal: "IS NOT DISTINCT FROM",
    lists: "list",
    fold: (rows, emitted, delay) =>
      `list_reduce(list_transform(list_sort(${rows}), lambda __dyne_r: [__dyne_r]), lambda __dyne_acc, __dyne_r: CASE WHEN len(list_filter(__dyne_acc, lambda __dyne_e: abs(__dyne_e.t - __dyne_r[1].t) <= ${delay})) > 0 THEN __dyne_acc ELSE list_concat(__dyne_acc, __dyne_r) END, coalesce(${emitted}, []))`,
    contains: (list, value) => `list_contains(list_transform(${list}, lambda __dyne_e: __dyne_e.n), ${value})`,
  },
  spark: {
    micros: (time) => `unix_micros(${time})`,
    equal: "<=>",
    lists: "collect_list",
    fold: (rows, emitted, delay) =>
      `aggregate(array_sort(${rows}), coalesce(${emitted}, array()), (__dyne_acc, __dyne_r) -> CASE WHEN exists(__dyne_acc, __dyne_e -> abs(__dyne_e.t - __dyne_r.t) <= ${delay}) THEN __dyne_acc ELSE concat(__dyne_acc, array(__dyne_r)) END)`,
    contains: (list, value) => `array_contains(transform(${list}, __dyne_e -> __dyne_e.n), ${value})`,
  },
};

/** The rows of the input that are emitted, as a query with the columns asked for. Errors: INVALID_ARGUMENT. */
export function renderDropDuplicates(request: DropDuplicates): string {
  const { input, columns, state, keys, schema, eventTime, delayMs, order, dialect = "duckdb" } = request;
  if (!Number.isSafeInteger(delayMs) || delayMs < 0)
    throw new DyneError("INVALID_ARGUMENT", `The delay ${delayMs} is no number of milliseconds. Use 0 or more.`);
  if (keys.length === 0 || order.length === 0)
    throw new DyneError("INVALID_ARGUMENT", "De-duplication needs key and order columns. Name at least one of each.");
  const spelling = spellings[dialect];
  const name = (column: string): string => quoteName(column, dialect);
  const named = (alias: string, columns_: readonly string[]): string =>
    columns_.map((column) => `${alias}.${name(column)}`).join(", ");
  const keyList = keys.map(name).join(", ");
  const match = (a: string, b: string): string =>
    keys.map((key) => `${a}.${name(key)} ${spelling.equal} ${b}.${name(key)}`).join(" AND ");
  const materialized = dialect === "duckdb" ? "AS MATERIALIZED" : "AS";
  const struct = (n: string): string =>
    dialect === "duckdb"
      ? `{'n': CAST(${n} AS BIGINT), 't': ${spelling.micros(name(eventTime))}}`
      : `named_struct('n', CAST(${n} AS BIGINT), 't', ${spelling.micros(name(eventTime))})`;
  const sortKey = (column: string): string => {
    const [sql, type] = [`i.${name(column)}`, schema?.fields[column]?.type];
    return type === undefined ? sql : groupedValue(sql, type, dialect);
  };
  const partitionBy = keys.map(sortKey).join(", ");
  const orderBy = order.map((column) => `${sortKey(column)} ASC NULLS FIRST`).join(", ");
  const semi = dialect === "duckdb" ? "SEMI JOIN" : "LEFT SEMI JOIN";
  const anti = dialect === "duckdb" ? "ANTI JOIN" : "LEFT ANTI JOIN";
  const seen =
    state === undefined
      ? ""
      : ` UNION ALL SELECT ${named("s", keys)} FROM ${state} AS s ${semi} d_input AS i ON ${match("s", "i")}`;
  const past =
    state === undefined
      ? ""
      : ` UNION ALL SELECT ${named("s", keys)}, ${struct("0")} AS __dyne_row, TRUE AS __dyne_past FROM ${state} AS s ${semi} d_contested AS c ON ${match("s", "c")}`;
  const rows = `${spelling.lists}(__dyne_row) FILTER (WHERE NOT __dyne_past)`;
  const emitted = `${spelling.lists}(__dyne_row) FILTER (WHERE __dyne_past)`;
  return [
    `WITH d_input ${materialized} (SELECT * FROM ${input})`,
    `, d_contested ${materialized} (SELECT ${keyList} FROM (SELECT ${keyList} FROM d_input${seen}) GROUP BY ${keyList} HAVING count(*) > 1)`,
    `, d_ranked ${materialized} (SELECT i.*, row_number() OVER (PARTITION BY ${partitionBy} ORDER BY ${orderBy}) AS __dyne_n FROM d_input AS i ${semi} d_contested AS c ON ${match("i", "c")})`,
    `, d_events AS (SELECT ${keyList}, ${struct("__dyne_n")} AS __dyne_row, FALSE AS __dyne_past FROM d_ranked${past})`,
    `, d_folded AS (SELECT ${keyList}, ${spelling.fold(rows, emitted, String(delayMs * 1_000))} AS __dyne_emitted FROM d_events GROUP BY ${keyList})`,
    ` SELECT ${named("i", columns)} FROM d_input AS i ${anti} d_contested AS c ON ${match("i", "c")}`,
    ` UNION ALL SELECT ${named("r", columns)} FROM d_ranked AS r INNER JOIN d_folded AS f ON ${match("r", "f")} WHERE ${spelling.contains("f.__dyne_emitted", "r.__dyne_n")}`,
  ].join("");
}
