/**
 * Makes a counterexample small enough to be read. A case is plain data that always means something, so that leaving out any part of any list is
 * another case: first halves, then less, then single elements; and of what is left, the values of all rows in a column become the same.
 */
import type { Case } from "./case.ts";
import type { SourceRow } from "./source-table.ts";

/** The smallest case found, by leaving out one thing after the other, that is still broken when the time is up. */
export async function smallestCase(
  broken: Case,
  isBroken: (candidate: Case) => Promise<boolean>,
  hasTime: () => boolean,
): Promise<Case> {
  let smallest = broken;
  for (let next: Case | undefined = broken; next !== undefined;) {
    smallest = next;
    next = undefined;
    for (const candidate of smallerCases(smallest)) {
      if (!hasTime()) return smallest;
      if (!(await isBroken(candidate))) continue;
      next = candidate;
      break;
    }
  }
  return smallest;
}

function* smallerCases(whole: Case): Iterable<Case> {
  const { history, pipeline } = whole;
  for (const then of shorter(history.then)) yield { ...whole, history: { ...history, then } };
  for (const tables of shorter(pipeline.tables)) yield { ...whole, pipeline: { ...pipeline, tables } };
  for (const [index, lists] of history.before.entries())
    for (const fewer of shorter(lists))
      yield { ...whole, history: { ...history, before: history.before.with(index, fewer) } };
  for (const before of within(history.before)) yield { ...whole, history: { ...history, before } };
  for (const then of within(history.then)) yield { ...whole, history: { ...history, then } };
  for (const tables of within(pipeline.tables)) yield { ...whole, pipeline: { ...pipeline, tables } };
  for (const [name, value] of Object.entries(plainRow)) {
    const same = withColumn(history, name, value);
    if (JSON.stringify(same, asText) !== JSON.stringify(history, asText)) yield { ...whole, history: same };
  }
}

/** The list without a part of it: halves first, single elements last. */
function* shorter<T>(list: readonly T[]): Iterable<readonly T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = list.length - size; at > -size; at -= size)
      yield list.filter((_, index) => index < at || index >= at + size);
  }
}

/** The same value with something left out further down: a part of a list, or an option. */
function* within<T>(value: T): Iterable<T> {
  if (typeof value !== "object" || value === null || isRow(value)) return;
  for (const [key, part] of Object.entries(value)) {
    const put = (smaller: unknown): T =>
      (Array.isArray(value) ? value.with(Number(key), smaller) : { ...value, [key]: smaller }) as T;
    if (optional.has(key) && part !== null) yield put(null);
    if (Array.isArray(part)) for (const less of shorter(part)) yield put(less);
    for (const smaller of within(part)) yield put(smaller);
  }
}

const optional = new Set(["watermark", "partitionBy", "file", "computed", "and", "own", "partition", "window"]);

const plainRow: SourceRow = {
  id: 1,
  k: "a",
  g: 0,
  big: 0n,
  amount: "0.00",
  x: 0.25,
  day: 20_513,
  at: 0,
  flag: true,
  tags: '["p"]',
};

const isRow = (value: object): boolean => "amount" in value && "tags" in value;

function withColumn<T>(value: T, name: string, plain: unknown): T {
  if (typeof value !== "object" || value === null) return value;
  if (isRow(value)) return { ...value, [name]: plain };
  if (Array.isArray(value)) return value.map((each: unknown) => withColumn(each, name, plain)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withColumn(part, name, plain)])) as T;
}

const asText = (_: string, value: unknown): unknown =>
  typeof value === "bigint" || typeof value === "number" ? `${Object.is(value, -0) ? "-" : ""}${value}` : value;
