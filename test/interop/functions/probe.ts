/** A function of the table with inputs: what both engines are asked, and which functions that asks for. */
import fc from "fast-check";
import { read, someExpression, struct } from "../../../shared/plan/index.ts";
import type { AnyColumn, ColumnsOf, ColumnTypes, DataType, Expression, Schema } from "../../../shared/plan/index.ts";
import { poolOf } from "./pools.ts";
import type { InputRow } from "./values.ts";

const rowsMax = 220;

/** A column of inputs: a type, whose pool is taken, or a type with values of its own beside NULL. */
export type Input<Type extends DataType> = Type | Given<Type>;
export interface Given<Type extends DataType> {
  readonly type: Type;
  readonly values: readonly unknown[];
}

export interface Probe {
  /** What it asks of the functions, for people. */
  readonly title: string;
  readonly schema: Schema;
  readonly rows: (seed: number) => readonly InputRow[];
  /** Expressions over one table of inputs. */
  readonly expressions: Readonly<Record<string, Expression>>;
  readonly kind: "scalars" | "aggregates";
  /** Numbers may differ in their last digits. */
  readonly loosely: boolean;
  /** Each row is asked for alone. */
  readonly alone?: boolean;
}

/** Values of a column instead of its type's pool. NULL is added. */
export function given<Type extends DataType>(type: Type, ...values: readonly unknown[]): Given<Type> {
  return { type, values };
}

/** Values of a column beside its type's pool. */
export function also<Type extends DataType>(type: Type, ...values: readonly unknown[]): Given<Type> {
  return { type, values: [...poolOf(type, 1), ...values] };
}

const isGiven = (input: Input<DataType>): input is Given<DataType> => "values" in input;

interface Options {
  readonly loosely?: boolean;
  readonly alone?: boolean;
}

/** Scalar expressions over every combination of the inputs, or, where those are too many, over a random choice of them. */
export function probe<Types extends ColumnTypes>(
  title: string,
  inputs: { readonly [Name in keyof Types]: Input<Types[Name]> },
  build: (columns: ColumnsOf<Types>) => Readonly<Record<string, AnyColumn>>,
  { loosely = false, alone = false }: Options = {},
): Probe {
  const entries = Object.entries(inputs) as readonly (readonly [string, Input<DataType>])[];
  const types = Object.fromEntries(entries.map(([name, input]) => [name, isGiven(input) ? input.type : input]));
  const schema = struct(types);
  const columns = read({ name: "inputs", schema }).columns as ColumnsOf<Types>;
  return {
    title,
    schema,
    rows: (seed) =>
      combinations(
        entries.map(([name, input]) => [name, valuesOf(input, seed)] as const),
        seed,
      ),
    expressions: expressionsOf(build(columns)),
    kind: "scalars",
    loosely,
    alone,
  };
}

/** Aggregates over groups of random rows of the inputs. */
export function aggregateProbe<Types extends ColumnTypes>(
  title: string,
  inputs: { readonly [Name in keyof Types]: Input<Types[Name]> },
  build: (columns: ColumnsOf<Types>) => Readonly<Record<string, AnyColumn>>,
  { loosely = false }: Options = {},
): Probe {
  const scalars = probe(title, inputs, build, { loosely });
  const schema = struct({ g: { kind: "integer" }, ...typesIn(scalars.schema) });
  return { ...scalars, kind: "aggregates", schema, rows: (seed) => groups(scalars.rows(seed), seed) };
}

const typesIn = (schema: Schema): Readonly<Record<string, DataType>> =>
  Object.fromEntries(Object.entries(schema.fields).map(([name, field]) => [name, field.type]));

/** The names of all functions that a probe asks for, with their kinds. */
export function functionsOf({ expressions }: Probe): ReadonlySet<string> {
  const names = new Set<string>();
  for (const expression of Object.values(expressions)) {
    someExpression(expression, (inner) => {
      if (inner.kind === "call") names.add(`scalar ${inner.name}`);
      if (inner.kind === "higherOrder") names.add(`higherOrder ${inner.name}`);
      if (inner.kind === "aggregate") names.add(`aggregate ${inner.name}`);
      return false;
    });
  }
  return names;
}

const expressionsOf = (columns: Readonly<Record<string, AnyColumn>>): Readonly<Record<string, Expression>> =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.expression]));

const valuesOf = (input: Input<DataType>, seed: number): readonly unknown[] =>
  isGiven(input) ? [...new Set([null, ...input.values])] : poolOf(input, seed);

type Pool = readonly [name: string, values: readonly unknown[]];

function combinations(pools: readonly Pool[], seed: number): readonly InputRow[] {
  const total = pools.reduce((product, [, values]) => product * values.length, 1);
  if (total <= rowsMax) {
    return pools.reduce<readonly InputRow[]>(
      (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))),
      [{}],
    );
  }
  const row = fc.record(Object.fromEntries(pools.map(([name, values]) => [name, fc.constantFrom(...values)])));
  return fc.sample(row, { seed, numRuns: rowsMax });
}

/** Group 0 has no value but NULL, group 1 one row, the others a random number of rows. */
function groups(rows: readonly InputRow[], seed: number): readonly InputRow[] {
  const empty = Object.fromEntries(Object.keys(rows[0] ?? {}).map((name) => [name, null]));
  const numbers = fc.sample(fc.integer({ min: 2, max: 24 }), { seed, numRuns: rows.length });
  return [{ ...empty, g: 0 }, { ...rows[1], g: 1 }, ...rows.map((row, index) => ({ ...row, g: numbers[index] }))];
}
