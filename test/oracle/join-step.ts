/** Queries of two sides: joins of every type, with rows of tables or groups of them, and unions. */
import {
  count,
  max,
  type AnyColumn,
  type Column,
  type ColumnTypes,
  type DataFrame,
} from "../../shared/pipeline/index.ts";
import { analyze, nodesOf, type LongType } from "../../shared/plan/index.ts";
import type { JoinStep, QueryStep } from "./drawn-step.ts";
import {
  columnOf,
  exactNames,
  extended,
  hasInexact,
  isExact,
  namesOf,
  orderedNames,
  quoted,
  termOf,
  unusedName,
  type Query,
} from "./query.ts";
import { condition, isNested, pick } from "./terms.ts";

/** A table that a step may read beside its own. */
export interface Readable {
  /** Its name in the code. */
  readonly variable: string;
  readonly frame: DataFrame<ColumnTypes>;
  readonly growth: number;
}

/** Joins and unions beyond this would make tables too large to be judged often. */
const growthMax = 2;

/** Columns that can be compared: one of the query, one of the other side. */
interface Pair {
  readonly left: string;
  readonly right: string;
}

/** The other side of a join, with names that the query does not have. */
interface Side {
  readonly frame: DataFrame<ColumnTypes>;
  readonly code: string;
  readonly on: readonly Pair[];
}

export function joined(query: Query, step: JoinStep, tables: readonly Readable[]): Query {
  const isSmall = step.type === "cross" || step.right === "groups";
  const other = pick(
    tables.filter(({ growth }) => isSmall || query.growth + growth + 1 <= growthMax),
    step.table,
  );
  if (other === undefined) return query;
  if (step.type === "cross") return crossed(query, step, other);
  const pairs = comparable(query, other);
  const pair = pick(pairs, step.on);
  if (pair === undefined) return query;
  const second = step.and === null ? undefined : pick(pairs, step.and);
  const isSecond = second !== undefined && second.left !== pair.left && second.right !== pair.right;
  const on = isSecond ? [pair, second] : [pair];
  const growth = isSmall ? query.growth : query.growth + other.growth + 1;
  const extra = [
    ...(scanNames(query.frame).has(nameOf(other)) ? ["self join"] : []),
    ...(step.right === "groups" ? ["join of a grouping"] : []),
  ];
  const named = step.byName ? byOneName(query, step, other) : undefined;
  if (named !== undefined) return { ...named, growth, operators: [...named.operators, ...extra] };
  const side = step.right === "groups" ? groupedSide(query, other, on) : rowsSide(query, step, other, on);
  const list = side.on.length === 1 ? side.on[0] : side.on;
  const code = `.join(${side.code}, ${JSON.stringify(list)}, "${step.type}")`;
  const frame = query.frame.join(side.frame, list as never, step.type) as DataFrame<ColumnTypes>;
  return { ...extended(query, frame, code, `join ${step.type}`, ...extra), growth };
}

/** Both columns exact, because an inexact one may not be compared. */
function comparable(query: Query, other: Readable): readonly Pair[] {
  const names = Object.keys(other.frame.schema.fields).filter((name) => isExact(other.frame, name));
  return orderedNames(query).flatMap((left) => {
    const { type } = columnOf(query, left);
    return names
      .filter((right) => type.kind === other.frame.columns[right]?.type.kind && type.kind !== "decimal")
      .map((right) => ({ left, right }));
  });
}

function rowsSide(query: Query, { others }: JoinStep, other: Readable, on: readonly Pair[]): Side {
  const names = Object.keys(other.frame.schema.fields);
  const taken = [
    ...new Set([...on.map(({ right }) => right), pick(names, others) as string, pick(names, others + 1) as string]),
  ];
  const used = new Set(namesOf(query));
  const renamed = new Map(taken.map((name) => [name, unusedName(used, `r_${name}`)]));
  const frame = other.frame.select((columns) =>
    Object.fromEntries(taken.map((name) => [renamed.get(name) as string, columns[name] as AnyColumn])),
  );
  const list = taken.map((name) => `${renamed.get(name)}: ${name}`).join(", ");
  const code = `read(${other.variable}).select(({ ${taken.join(", ")} }) => ({ ${list} }))`;
  return { frame, code, on: on.map(({ left, right }) => ({ left, right: renamed.get(right) as string })) };
}

/** A row for each value of the columns joined on. */
function groupedSide(query: Query, other: Readable, on: readonly Pair[]): Side {
  const used = new Set(namesOf(query));
  const keys = [...new Set(on.map(({ right }) => right))];
  const renamed = new Map(keys.map((name) => [name, unusedName(used, `r_${name}`)]));
  const counted = unusedName(used, "r_count");
  const frame = other.frame
    .groupBy((columns) =>
      Object.fromEntries(keys.map((name) => [renamed.get(name) as string, columns[name] as AnyColumn])),
    )
    .agg(() => ({ [counted]: count() }));
  const list = keys.map((name) => `${renamed.get(name)}: ${name}`).join(", ");
  const code = `read(${other.variable}).groupBy(({ ${keys.join(", ")} }) => ({ ${list} })).agg(() => ({ ${counted}: count() }))`;
  return { frame, code, on: on.map(({ left, right }) => ({ left, right: renamed.get(right) as string })) };
}

/** By a column that both sides call the same; undefined where they have none. */
function byOneName(query: Query, step: JoinStep, other: Readable): Query | undefined {
  const name = pick(
    comparable(query, other).flatMap(({ left, right }) => (left === right ? [left] : [])),
    step.on,
  );
  if (name === undefined) return undefined;
  const names = Object.keys(other.frame.schema.fields).filter((each) => each !== name);
  const extra = pick(names, step.others);
  const used = new Set(namesOf(query));
  const renamed = extra === undefined ? undefined : unusedName(used, `r_${extra}`);
  const isGrouped = step.right === "groups";
  const counted = renamed ?? unusedName(used, "r_count");
  const side = isGrouped
    ? other.frame.groupBy(name).agg(() => ({ [counted]: count() }))
    : other.frame.select((columns) => ({
        [name]: columns[name] as AnyColumn,
        ...(renamed === undefined ? {} : { [renamed]: columns[extra as string] as AnyColumn }),
      }));
  const picked = renamed === undefined ? name : `${name}, ${renamed}: ${extra}`;
  const code = isGrouped
    ? `read(${other.variable}).groupBy("${name}").agg(() => ({ ${counted}: count() }))`
    : `read(${other.variable}).select(({ ${[name, extra].filter((each) => each !== undefined).join(", ")} }) => ({ ${picked} }))`;
  const frame = query.frame.join(side, name as never, step.type as "inner") as unknown as DataFrame<ColumnTypes>;
  return extended(query, frame, `.join(${code}, "${name}", "${step.type}")`, `join ${step.type}`, "join by one name");
}

/** Every row with the one row that another table has in total. */
function crossed(query: Query, { others }: JoinStep, other: Readable): Query {
  const used = new Set(namesOf(query));
  const counted = unusedName(used, "r_count");
  const names = Object.keys(other.frame.schema.fields).filter(
    (name) => isExact(other.frame, name) && !isNested(other.frame.columns[name]!.type),
  );
  const name = pick(names, others);
  const largest = name === undefined ? undefined : unusedName(used, `r_${name}`);
  const side = other.frame.groupBy().agg((columns) => ({
    [counted]: count(),
    ...(largest === undefined ? {} : { [largest]: max(columns[name as string] as Column<LongType>) }),
  }));
  const extra = largest === undefined ? "" : `, ${largest}: max(t.${name})`;
  const code = `.crossJoin(read(${other.variable}).groupBy().agg((t) => ({ ${counted}: count()${extra} })))`;
  return extended(query, query.frame.crossJoin(side) as DataFrame<ColumnTypes>, code, "join cross");
}

export function united(query: Query, step: Extract<QueryStep, { op: "union" }>, tables: readonly Readable[]): Query {
  if (step.own !== null) return withItself(query, step.own);
  const other = pick(
    tables.filter(({ growth }) => query.growth + growth <= growthMax),
    step.table,
  );
  if (other === undefined) return query;
  const shared = namesOf(query).filter((name) => {
    const type = other.frame.schema.fields[name]?.type;
    return type !== undefined && JSON.stringify(type) === JSON.stringify(columnOf(query, name).type);
  });
  if (shared.length === 0) return query;
  const list = shared.map(quoted).join(", ");
  const [left, right] = [query.frame.select(...shared), other.frame.select(...shared)];
  const isOfSets = step.how !== "union";
  if (isOfSets && (hasInexact(query) || analyze(other.frame.plan).inexact.length > 0)) return query;
  const frame = left[step.how](right);
  const code = `.select(${list}).${step.how}(read(${other.variable}).select(${list}))`;
  return { ...extended(query, frame, code, step.how), growth: Math.max(query.growth, other.growth) };
}

/** The query's rows, and some of them once more: whatever is below stands on both sides. */
function withItself(query: Query, number: number): Query {
  const name = pick(exactNames(query), number);
  if (name === undefined || hasInexact(query)) return query;
  const { column, code } = condition(termOf(query, name), number);
  const frame = query.frame.union(query.frame.filter(() => column));
  const united = extended(query, frame, "", "union of itself");
  return { ...united, code: `((it) => it.union(it.filter(({ ${name} }) => ${code})))(${query.code})` };
}

function scanNames(frame: DataFrame<ColumnTypes>): ReadonlySet<string> {
  return new Set([...nodesOf(frame.plan)].flatMap((node) => (node.kind === "scan" ? [node.source] : [])));
}

const nameOf = ({ frame }: Readable): string => [...scanNames(frame)][0] as string;
