/** Groups and their aggregates. */
import {
  avg,
  bitXor,
  boolAnd,
  boolOr,
  collectList,
  collectSet,
  count,
  countDistinct,
  countIf,
  max,
  maxBy,
  median,
  min,
  minBy,
  mode,
  stddevPop,
  sum,
  window,
  type AnyColumn,
  type Column,
  type SlidingWindow,
  type TimeWindow,
} from "../../shared/pipeline/index.ts";
import type { DoubleType, LongType, TimestampType } from "../../shared/plan/index.ts";
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
  const keys = groupKeys(query, step, names, used);
  if (keys.length === 0 && codes.length === 0) {
    const as = unusedName(used, "a");
    aggregated[as] = count();
    codes.push(`${as}: count()`);
    operators.push("count()");
  }
  const agg = `.agg((t) => ({ ${codes.join(", ")} }))`;
  if (keys.length === 0) {
    const frame = query.frame.groupBy().agg(() => aggregated);
    return extended(query, frame, `.groupBy()${agg}`, "groupBy()", ...operators);
  }
  const kinds = [...new Set(keys.map(({ operator }) => operator))];
  const columns = Object.fromEntries(keys.map(({ name, column }) => [name, column]));
  const frame = query.frame.groupBy(() => columns as Record<string, AnyColumn>).agg(() => aggregated);
  const list = keys.map(({ name, code }) => (code === `t.${name}` ? code : `${name}: ${code}`)).join(", ");
  const code = keys.every(({ operator }) => operator === "groupBy")
    ? `.groupBy(${names.map(quoted).join(", ")})${agg}`
    : `.groupBy((t) => ({ ${list} }))${agg}`;
  return extended(query, frame, code, ...kinds, ...operators);
}

interface GroupKey {
  readonly name: string;
  readonly column: AnyColumn | SlidingWindow<TimeWindow<TimestampType>>;
  readonly code: string;
  readonly operator: "groupBy" | "groupBy computed" | "groupBy window" | "groupBy sliding window";
}

function groupKeys(query: Query, step: GroupStep, names: readonly string[], used: Set<string>): readonly GroupKey[] {
  const keys = names.map((name, index): GroupKey => {
    if (index > 0 || step.computed === null)
      return { name, column: columnOf(query, name), code: `t.${name}`, operator: "groupBy" };
    const { column, code } = derived({ ...termOf(query, name), code: `t.${name}` }, step.computed);
    return { name: unusedName(used, "key"), column, code, operator: "groupBy computed" };
  });
  const at = pick(
    exactNames(query).filter((name) => columnOf(query, name).type.kind === "timestamp"),
    step.keys[0] ?? 0,
  );
  if (step.window === null || at === undefined) return keys;
  const time = columnOf(query, at) as Column<TimestampType>;
  const name = unusedName(used, "during");
  const during: GroupKey =
    step.window === "tumbling"
      ? { name, column: window(time, "10 minutes"), code: `window(t.${at}, "10 minutes")`, operator: "groupBy window" }
      : {
          name,
          column: window(time, "10 minutes", "5 minutes"),
          code: `window(t.${at}, "10 minutes", "5 minutes")`,
          operator: "groupBy sliding window",
        };
  return [...keys, during];
}

const ofNumbers: ReadonlySet<AggregateName> = new Set(["sum", "avg", "sum.filter", "stddevPop", "median"]);
const ofInexact: ReadonlySet<AggregateName> = new Set([...ofNumbers, "count", "min", "max"]);
const ofNested: ReadonlySet<AggregateName> = new Set(["count"]);

function aggregate(query: Query, name: AggregateName, at: number): Term | undefined {
  if (name === "count()") return { column: count(), code: "count()" };
  const candidates = namesOf(query).filter((each) => {
    const { type } = columnOf(query, each);
    if (!ofInexact.has(name) && !isExact(query.frame, each)) return false;
    if (isNested(type)) return ofNested.has(name);
    // Squares of what is not finite, or too large for doubles, have no deviation.
    if (name === "stddevPop") return type.kind === "integer";
    if (name === "mode") return type.kind !== "double";
    if (name === "bitXor") return type.kind === "integer" || type.kind === "long";
    return !ofNumbers.has(name) || (isNumber(type) && !(name !== "sum" && name !== "avg" && type.kind === "decimal"));
  });
  const column = pick(candidates, at);
  if (column === undefined) return undefined;
  const value = columnOf(query, column) as Column<DoubleType>;
  const of = `t.${column}`;
  const other = pick(orderedNames(query), at + 1);
  const rule = other === undefined ? undefined : condition({ column: columnOf(query, other), code: `t.${other}` }, at);
  switch (name) {
    case "countIf":
      return rule && { column: countIf(rule.column), code: `countIf(${rule.code})` };
    case "boolAnd":
    case "boolOr":
      return rule && { column: { boolAnd, boolOr }[name](rule.column), code: `${name}(${rule.code})` };
    case "sum.filter":
      return rule && { column: sum(value).filter(rule.column), code: `sum(${of}).filter(${rule.code})` };
    case "maxBy":
    case "minBy":
      return other === undefined
        ? undefined
        : { column: { maxBy, minBy }[name](value, columnOf(query, other)), code: `${name}(${of}, t.${other})` };
    case "bitXor":
      return { column: bitXor(value as unknown as Column<LongType>), code: `bitXor(${of})` };
    default: {
      const make: Record<typeof name, (value: Column<DoubleType>) => AnyColumn> = {
        count,
        countDistinct,
        sum,
        avg,
        min,
        max,
        collectList,
        collectSet,
        stddevPop,
        median,
        mode,
      };
      return { column: make[name](value), code: `${name}(${of})` };
    }
  }
}
