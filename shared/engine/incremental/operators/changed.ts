/**
 * What a refresh knows of the rows at one place of a view's query: which of them came and which went since the last batch, and how all of
 * them are read as they are and as they were. A row that stays may be among those that came and among those that went, as often in one as
 * in the other: what counts is the difference (SPEC.md 8, 12).
 */
import type { Expression, LogicalPlan, Schema } from "../../../plan/index.ts";
import { project } from "../expressions.ts";

export interface Changed {
  readonly schema: Schema;
  /** False where no row can have come, or gone. */
  readonly came: boolean;
  readonly went: boolean;
  /** The rows, where some can have. They are made when they are first asked for, and once: making them has files read. */
  readonly added: () => LogicalPlan | undefined;
  readonly removed: () => LogicalPlan | undefined;
  /** All rows as they are, and as they were. Rows may be left out that have none of the values in a column that is restricted. */
  readonly now: (restricted?: readonly Restriction[]) => LogicalPlan;
  readonly before: (restricted?: readonly Restriction[]) => LogicalPlan;
  /** The values of an expression in the rows that came or went, and maybe more; undefined where the changed files alone do not say. */
  readonly valuesOf: (expression: Expression) => TouchedValues | undefined;
  /** The rows that came or went, and maybe more, where they are made of changed files alone. */
  readonly changedRows: LogicalPlan | undefined;
}

/** Values that a change touches, told from the changed files of the inputs. */
export interface TouchedValues {
  /** One column, `touchedColumn`, with repetitions. */
  readonly plan: LogicalPlan;
  /** The columns of the inputs that the values are, so that logs may tell their bounds; undefined where some are computed. */
  readonly sources: readonly TouchedSource[] | undefined;
}

export interface TouchedSource {
  readonly scan: number;
  readonly column: string;
}

/** Only rows that have one of these values in the column are asked for. */
export interface Restriction {
  readonly column: string;
  readonly values: TouchedValues;
}

export const touchedColumn = "__touched";

/** The values of an expression over rows, as touched values. */
export function valuesIn(rows: LogicalPlan, expression: Expression, sources: TouchedValues["sources"]): TouchedValues {
  return { plan: project(rows, [[touchedColumn, expression]]), sources };
}

export function unionOf(plans: readonly (LogicalPlan | undefined)[]): LogicalPlan | undefined {
  const inputs = plans.filter((plan) => plan !== undefined);
  if (inputs.length < 2) return inputs[0];
  return { kind: "union", inputs };
}

/** Values of one place or of another. */
export function valuesOfEither(values: readonly (TouchedValues | undefined)[]): TouchedValues | undefined {
  const known = values.filter((each) => each !== undefined);
  if (known.length < values.length || known.length === 0) return undefined;
  const sources = known.every((each) => each.sources !== undefined)
    ? known.flatMap((each) => each.sources ?? [])
    : undefined;
  return { plan: unionOf(known.map(({ plan }) => plan)) as LogicalPlan, sources };
}

/** True where something may have come or gone. */
export const isChanged = ({ came, went }: Pick<Changed, "came" | "went">): boolean => came || went;

export type RowsOnDemand = Pick<Changed, "came" | "went" | "added" | "removed">;

/** What came and what went, where it did, made by `make`. */
export function onDemand(
  { came, went }: Pick<Changed, "came" | "went">,
  make: (kind: "added" | "removed") => LogicalPlan | undefined,
): RowsOnDemand {
  const part = (kind: "added" | "removed", isThere: boolean): (() => LogicalPlan | undefined) => {
    let made: LogicalPlan | undefined;
    return () => (isThere ? (made ??= make(kind)) : undefined);
  };
  return { came, went, added: part("added", came), removed: part("removed", went) };
}

/** Rows that are there already. */
export function atHand(added: LogicalPlan | undefined, removed: LogicalPlan | undefined): RowsOnDemand {
  return onDemand({ came: added !== undefined, went: removed !== undefined }, (kind) =>
    kind === "added" ? added : removed,
  );
}
