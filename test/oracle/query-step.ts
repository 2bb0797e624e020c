/** What a described step does to a query. */
import {
  avg,
  collectList,
  count,
  countDistinct,
  countIf,
  lag,
  max,
  min,
  rowNumber,
  sum,
  type AnyColumn,
  type Column,
  type ColumnTypes,
  type DataFrame,
} from "../../shared/pipeline/index.ts";
import type { DoubleType, LongType } from "../../shared/plan/index.ts";
import type { aggregateNames, QueryStep } from "./drawn-step.ts";
import {
  columnOf,
  exactNames,
  extended,
  freshName,
  hasInexact,
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

/** A table that a step may read beside its own. */
export interface Readable {
  /** Its name in the code. */
  readonly variable: string;
  readonly frame: DataFrame<ColumnTypes>;
  readonly growth: number;
}

/** Joins and unions beyond this would make tables too large to be judged often. */
const growthMax = 2;

/** The query with the step on top; the same query where the step has nothing to work on. `kept` may not be dropped. */
export function withStep(
  query: Query,
  step: QueryStep,
  tables: readonly Readable[],
  kept: readonly string[] = [],
): Query {
  switch (step.op) {
    case "drop": {
      const name = pick(
        namesOf(query).filter((each) => !kept.includes(each)),
        step.column,
      );
      if (name === undefined || namesOf(query).length < 3) return query;
      return extended(query, query.frame.drop(name), `.drop(${quoted(name)})`, "drop");
    }
    case "compute": {
      const name = pick(namesOf(query), step.column) as string;
      const value = derived(termOf(query, name), step.how);
      const added = freshName(query, "c");
      const code = `.withColumns(({ ${name} }) => ({ ${added}: ${value.code} }))`;
      return extended(
        query,
        query.frame.withColumns(() => ({ [added]: value.column })),
        code,
        "withColumns",
      );
    }
    case "filter": {
      const name = pick(exactNames(query), step.column);
      if (name === undefined) return query;
      const { column, code } = condition(termOf(query, name), step.how);
      return extended(
        query,
        query.frame.filter(() => column),
        `.filter(({ ${name} }) => ${code})`,
        "filter",
      );
    }
    case "explode": {
      const name = pick(
        namesOf(query).filter((each) => columnOf(query, each).type.kind === "array"),
        step.column,
      );
      if (name === undefined) return query;
      const as = freshName(query, "e");
      const outer = step.outer ? ", { outer: true }" : "";
      const frame = query.frame.explode(as, () => columnOf(query, name) as never, { outer: step.outer });
      return extended(query, frame, `.explode("${as}", ({ ${name} }) => ${name}${outer})`, "explode");
    }
    case "join":
      return joined(query, step, tables);
    case "union":
      return united(query, step, tables);
    case "distinct":
      return hasInexact(query) ? query : extended(query, query.frame.distinct(), ".distinct()", "distinct");
    case "orderBy": {
      const name = pick(orderedNames(query), step.column);
      return name === undefined ? query : extended(query, query.frame.orderBy(name), `.orderBy("${name}")`, "orderBy");
    }
    case "limit":
      return limited(query, step);
    case "dropDuplicates": {
      const keys = namesAt(orderedNames(query), step.keys);
      if (keys.length === 0 || hasInexact(query)) return query;
      return extended(
        query,
        query.frame.dropDuplicates(keys),
        `.dropDuplicates([${keys.map(quoted).join(", ")}])`,
        "dropDuplicates",
      );
    }
    case "window":
      return windowed(query, step);
    case "group":
      return grouped(query, step);
  }
}

function joined(query: Query, step: Extract<QueryStep, { op: "join" }>, tables: readonly Readable[]): Query {
  const other = pick(
    tables.filter(({ growth }) => query.growth + growth + 1 <= growthMax),
    step.table,
  );
  if (other === undefined) return query;
  const names = Object.keys(other.frame.schema.fields);
  const pairs = orderedNames(query).flatMap((left) =>
    names
      .filter((right) => columnOf(query, left).type.kind === other.frame.columns[right]?.type.kind)
      .filter((right) => columnOf(query, left).type.kind !== "decimal" && isExact(other.frame, right))
      .map((right) => ({ left, right })),
  );
  const pair = pick(pairs, step.on);
  if (pair === undefined) return query;
  const taken = [...new Set([pair.right, pick(names, step.others) as string, pick(names, step.others + 1) as string])];
  const used = new Set(namesOf(query));
  const renamed = new Map(taken.map((name) => [name, unusedName(used, `r_${name}`)]));
  const selected = other.frame.select((columns) =>
    Object.fromEntries(taken.map((name) => [renamed.get(name) as string, columns[name] as AnyColumn])),
  );
  const on = { left: pair.left, right: renamed.get(pair.right) as string };
  const type = step.left ? "left" : "inner";
  const list = taken.map((name) => `${renamed.get(name)}: ${name}`).join(", ");
  const code = `.join(read(${other.variable}).select(({ ${taken.join(", ")} }) => ({ ${list} })), ${JSON.stringify(on)}, "${type}")`;
  const frame = query.frame.join(selected, on as never, type) as DataFrame<ColumnTypes>;
  return { ...extended(query, frame, code, `join ${type}`), growth: query.growth + other.growth + 1 };
}

function united(query: Query, step: Extract<QueryStep, { op: "union" }>, tables: readonly Readable[]): Query {
  const other = pick(
    tables.filter(({ growth }) => query.growth + growth <= growthMax),
    step.table,
  );
  if (other === undefined) return query;
  const shared = namesOf(query).filter((name) => {
    const type = other.frame.columns[name]?.type;
    return type !== undefined && JSON.stringify(type) === JSON.stringify(columnOf(query, name).type);
  });
  if (shared.length === 0) return query;
  const list = shared.map(quoted).join(", ");
  const frame = query.frame.select(...shared).union(other.frame.select(...shared));
  const code = `.select(${list}).union(read(${other.variable}).select(${list}))`;
  return { ...extended(query, frame, code, "union"), growth: Math.max(query.growth, other.growth) };
}

function limited(query: Query, step: Extract<QueryStep, { op: "limit" }>): Query {
  const name = pick(orderedNames(query), step.column);
  if (name === undefined || hasInexact(query)) return query;
  const direction = step.descending ? "desc" : "asc";
  const frame = query.frame.orderBy((columns) => [(columns[name] as Column<LongType>)[direction]()]).limit(step.count);
  return extended(query, frame, `.orderBy(({ ${name} }) => [${name}.${direction}()]).limit(${step.count})`, "limit");
}

function windowed(query: Query, step: Extract<QueryStep, { op: "window" }>): Query {
  const names = orderedNames(query);
  const [partition, order] = [pick(names, step.partition), pick(names, step.order)];
  if (partition === undefined || order === undefined || hasInexact(query)) return query;
  const window = { partitionBy: [columnOf(query, partition)], orderBy: [columnOf(query, order)] };
  const text = `over({ partitionBy: [${partition}], orderBy: [${order}] })`;
  const added = freshName(query, "w");
  const [value, code] =
    step.how % 3 === 0
      ? [rowNumber().over(window), `rowNumber().${text}`]
      : step.how % 3 === 1
        ? [lag(columnOf(query, order) as Column<LongType>).over(window), `lag(${order}).${text}`]
        : [count().over({ partitionBy: window.partitionBy }), `count().over({ partitionBy: [${partition}] })`];
  const used = [...new Set([partition, order])].join(", ");
  return extended(
    query,
    query.frame.withColumns(() => ({ [added]: value })),
    `.withColumns(({ ${used} }) => ({ ${added}: ${code} }))`,
    "window",
  );
}

function grouped(query: Query, step: Extract<QueryStep, { op: "group" }>): Query {
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

function aggregate(query: Query, name: (typeof aggregateNames)[number], at: number): Term | undefined {
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
