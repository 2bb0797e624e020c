/**
 * Which files may hold a touched value, by partition values and statistics: of inputs, of hidden tables, of the view. A file is left out
 * only where what its log says rules it out (SPEC.md 10).
 */
import { limits, physicalNameOf } from "../../core/index.ts";
import type { ComputeCollect, Row } from "../../compute/index.ts";
import {
  hasBounds,
  mayContainAny,
  mayHaveNull,
  parseValue,
  type AddFile,
  type Snapshot,
  type StatsValue,
  type ValueRange,
} from "../../delta/index.ts";
import { canonicalJson, schemaOf, type DataType, type Expression, type LogicalPlan } from "../../plan/index.ts";
import { valueRange } from "../../table/index.ts";
import { aggregate, column, project, same } from "./expressions.ts";
import { touchedColumn, type Restriction, type TouchedValues } from "./operators/changed.ts";

/** What is known of touched values. */
export interface Touched {
  readonly ranges: readonly ValueRange[];
  readonly hasNull: boolean;
}

/** Undefined where the values may be any. */
export type KnownValues = (values: TouchedValues) => Touched | undefined;

/** Values are told apart one by one up to here; more of them as so many ranges. */
const rangesMax = 64;

type Form = Pick<Snapshot, "schema" | "partitionBy" | "columnMapping">;

/** What the log calls a column. */
export function storedName({ schema, columnMapping }: Form, name: string): string {
  const field = schema.fields[name];
  return field === undefined ? name : physicalNameOf(name, field, columnMapping);
}

/** The files that any of the uses may need. */
export function filesOfUses(
  { files, ...form }: Form & { readonly files: Iterable<AddFile> },
  uses: readonly (readonly Restriction[])[],
  known: KnownValues,
): AddFile[] {
  const tests = uses.map((restricted) =>
    restricted.flatMap(({ column: name, values }) => {
      const touched = known(values);
      if (touched === undefined) return [];
      const { ranges, hasNull } = touched;
      return [(file: AddFile) => mayContainAny(form, file, name, ranges) || (hasNull && mayHaveNull(form, file, name))];
    }),
  );
  if (tests.some((each) => each.length === 0)) return [...files];
  return [...files].filter((file) => tests.some((each) => each.every((test) => test(file))));
}

/** What the logs alone say: the values of partition columns in the files that came and went. */
export function knownFromLogs(
  inputs: readonly { readonly input: Form; readonly changed: readonly AddFile[] }[],
): KnownValues {
  return ({ sources }) => {
    const ranges: ValueRange[] = [];
    let hasNull = false;
    for (const { scan, column: name } of sources ?? []) {
      const { input, changed } = inputs[scan] as (typeof inputs)[number];
      const type = input.schema.fields[name]?.type;
      // A refresh asks for no values of other types either.
      if (type === undefined || !hasBounds(type) || !input.partitionBy.includes(name)) return undefined;
      const stored = storedName(input, name);
      for (const text of new Set(changed.map((file) => file.partitionValues[stored] ?? null))) {
        // Delta has one value for NULL and for the empty text, which dyne keeps apart.
        if (text === null || text === "") hasNull = true;
        if (text === null || (text === "" && type.kind !== "string")) continue;
        const value = parseValue(type, text);
        if (value === undefined) return undefined;
        ranges.push({ min: value, max: value });
      }
    }
    return sources === undefined ? undefined : { ranges, hasNull };
  };
}

/** Asks a compute for touched values, and reads its answers. */
export class ValueLookUp {
  readonly #plans = new Map<string, { readonly name: string; readonly plan: LogicalPlan; readonly type: DataType }>();

  constructor(wanted: Iterable<TouchedValues>) {
    for (const { plan } of wanted) {
      const { type } = schemaOf(plan).fields[touchedColumn] as { readonly type: DataType };
      const text = canonicalJson(plan);
      if (hasBounds(type) && !this.#plans.has(text))
        this.#plans.set(text, { name: `touched-${this.#plans.size}`, plan, type });
    }
  }

  get isEmpty(): boolean {
    return this.#plans.size === 0;
  }

  get collects(): readonly ComputeCollect[] {
    return [...this.#plans.values()].map(({ name, plan }) => ({
      name,
      plan: firstValues(plan),
      rowsMax: limits.mergeKeysMax + 1,
    }));
  }

  known(collected: Readonly<Record<string, readonly Row[]>>): KnownValues {
    return ({ plan }) => {
      const asked = this.#plans.get(canonicalJson(plan));
      if (asked === undefined) return undefined;
      const rows = collected[asked.name] ?? [];
      const values = rows.map((row) => valueIn(row, touchedColumn));
      const present = values.filter((value) => value !== undefined);
      const ranges =
        values.length > limits.mergeKeysMax
          ? [valueRange(asked.type, present[0], valueIn(rows[0]!, greatestColumn))]
          : inRanges(asked.type, present);
      return { ranges, hasNull: present.length < values.length };
    };
  }
}

const valueIn = (row: Row, name: string): StatsValue | undefined => (row[name] ?? undefined) as StatsValue | undefined;

/** Neighbours share a range where there are many. */
function inRanges(type: DataType, sorted: readonly StatsValue[]): readonly ValueRange[] {
  const size = Math.ceil(sorted.length / rangesMax);
  return Array.from({ length: size === 0 ? 0 : Math.ceil(sorted.length / size) }, (_, index) => {
    const part = sorted.slice(index * size, (index + 1) * size);
    return valueRange(type, part[0], part.at(-1));
  });
}

const greatestColumn = "__greatest";

/** The least values, and the greatest beside each. NULL comes first, so that it is never cut off. */
function firstValues(plan: LogicalPlan): LogicalPlan {
  const values: LogicalPlan = { kind: "distinct", input: plan };
  const greatest: Expression = {
    kind: "window",
    call: aggregate("max", column(touchedColumn)),
    partitionBy: [],
    orderBy: [],
    frame: undefined,
  };
  return {
    kind: "limit",
    input: {
      kind: "sort",
      input: project(values, [...same([touchedColumn]), [greatestColumn, greatest]]),
      orders: [{ by: column(touchedColumn), direction: "ascending", nulls: "first" }],
    },
    count: limits.mergeKeysMax + 1,
  };
}
