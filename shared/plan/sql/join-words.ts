/** The words of a join: its columns, its kind and its condition. The two sides are called `l` and `r`. */
import type { JoinColumn } from "../analysis/join-columns.ts";
import { columnType } from "../analysis/schema-of.ts";
import { commonType } from "../functions/index.ts";
import type { Dialect } from "../functions/index.ts";
import type { Join } from "../logical-plan.ts";
import { sameType } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { quoteName, sqlType } from "./quoting.ts";

/** An output column of a join of `l` and `r`. */
export function joinedColumn(column: JoinColumn, dialect: Dialect): string {
  const of = (side: "l" | "r", name: string): string => `${side}.${quoteName(name, dialect)}`;
  if (column.side === "either")
    return `coalesce(${of("l", column.left)}, ${of("r", column.right)}) AS ${quoteName(column.name, dialect)}`;
  const sql = of(column.side === "left" ? "l" : "r", column.column);
  return column.name === column.column ? sql : `${sql} AS ${quoteName(column.name, dialect)}`;
}

const joinWords = {
  inner: "INNER JOIN",
  left: "LEFT JOIN",
  right: "RIGHT JOIN",
  full: "FULL JOIN",
  semi: "SEMI JOIN",
  anti: "ANTI JOIN",
  cross: "CROSS JOIN",
} as const;

/** What stands between the two sides. */
export function joinWord(type: Join["type"], dialect: Dialect): string {
  return `${dialect === "spark" && (type === "semi" || type === "anti") ? "LEFT " : ""}${joinWords[type]}`;
}

/** One pair of columns that must be equal, in the type that both have in common. */
export function joinCondition(plan: Join, pair: Join["on"][number], dialect: Dialect): string {
  const types = [columnType(plan.left, pair.left, "join"), columnType(plan.right, pair.right, "join")] as const;
  const common = commonType(...types) as DataType;
  const side = (sql: string, type: DataType): string =>
    sameType(type, common) ? sql : `CAST(${sql} AS ${sqlType(common, dialect)})`;
  const nullSafe = dialect === "duckdb" ? "IS NOT DISTINCT FROM" : "<=>";
  return `${side(`l.${quoteName(pair.left, dialect)}`, types[0])} ${plan.nullSafe === true ? nullSafe : "="} ${side(`r.${quoteName(pair.right, dialect)}`, types[1])}`;
}
