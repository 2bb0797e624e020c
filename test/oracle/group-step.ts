/** Groups and their aggregates. */
import {
  avg,
  collectList,
  count,
  countDistinct,
  countIf,
  max,
  min,
  sum,
  type AnyColumn,
  type Column,
} from "../../shared/pipeline/index.ts";
import type { DoubleType } from "../../shared/plan/index.ts";
import type { AggregateName, GroupStep } from "./drawn-step.ts";
import {
  columnOf,
  exactNames,
  extended,
  isExact,
  namesAt,
  namesOf,
  orderedNames,
  quoted,
  termOf,
  unusedName,
  type Query,
} from "./query.ts";
import { condition, derived, isNested, isNumber, pick, type Term } from "./terms.ts";

export function grouped(query: Query, step: GroupStep): Query {
  const names = namesAt(orderedNames(query), step.keys);
  const aggregated: Record<string, AnyColumn> = {};
  const codes: string[] = [];
  const operators: string[] = [];
  const used = new Set(namesOf(query));
  for (const { name, column } of step.aggregates) {
    const made = aggregate(query, name, column);
    if (made === undefined) continue;
    const as = unusedName(used, "a");
    aggregated[as] = made.column;
    codes.push(`${as}: ${made.code}`);
    operators.push(name);
  }
  const agg = `.agg((t) => ({ ${codes.join(", ")} }))`;
  const [first, ...rest] = names;
  if (first === undefined)
    return extended(
      query,
      query.frame.groupBy().agg(() => aggregated),
      `.groupBy()${agg}`,
      "groupBy()",
      ...operators,
    );
  if (step.computed === null) {
    const frame = query.frame.groupBy(...names).agg(() => aggregated);
    return extended(query, frame, `.groupBy(${names.map(quoted).join(", ")})${agg}`, "groupBy", ...operators);
  }
  const key = derived(termOf(query, first), step.computed);
  const as = unusedName(used, "key");
  const keys = Object.fromEntries([[as, key.column], ...rest.map((name) => [name, columnOf(query, name)])]);
  const frame = query.frame.groupBy(() => keys as Record<string, AnyColumn>).agg(() => aggregated);
  const list = [`${as}: ${key.code}`, ...rest].join(", ");
  const code = `.groupBy(({ ${names.join(", ")} }) => ({ ${list} }))${agg}`;
  return extended(query, frame, code, "groupBy computed", ...operators);
}

function aggregate(query: Query, name: AggregateName, at: number): Term | undefined {
  if (name === "count()") return { column: count(), code: "count()" };
  const isOfNumbers = name === "sum" || name === "avg" || name === "sum.filter";
  const takesInexact = isOfNumbers || name === "count" || name === "min" || name === "max";
  const candidates = namesOf(query).filter((each) => {
    const { type } = columnOf(query, each);
    if (!takesInexact && !isExact(query.frame, each)) return false;
    if (!isOfNumbers) return name === "count" || !isNested(type);
    return isNumber(type) && !(name === "avg" && type.kind === "decimal");
  });
  const column = pick(candidates, at);
  if (column === undefined) return undefined;
  const value = columnOf(query, column) as Column<DoubleType>;
  const of = `t.${column}`;
  if (name === "countIf" || name === "sum.filter") {
    const other = pick(exactNames(query), at + 1) ?? column;
    if (!isExact(query.frame, other)) return undefined;
    const rule = condition({ column: columnOf(query, other), code: `t.${other}` }, at);
    return name === "countIf"
      ? { column: countIf(rule.column), code: `countIf(${rule.code})` }
      : { column: sum(value).filter(rule.column), code: `sum(${of}).filter(${rule.code})` };
  }
  const make: Record<typeof name, (value: Column<DoubleType>) => AnyColumn> = {
    count,
    countDistinct,
    sum,
    avg,
    min,
    max,
    collectList,
  };
  return { column: make[name](value), code: `${name}(${of})` };
}
