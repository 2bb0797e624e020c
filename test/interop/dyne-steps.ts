/** Dyne's way to do the steps of a random table. */
import { stateAt, writeCheckpoint } from "../../shared/delta/index.ts";
import { parseExpression, parsePredicate, type Expression } from "../../shared/plan/index.ts";
import { MemoryStore } from "../../shared/storage/index.ts";
import { systemClock, systemRandom } from "../../shared/core/index.ts";
import {
  appendRows,
  deleteRows,
  mergeRows,
  optimize,
  overwriteRows,
  sourceColumn,
  sourceOfTable,
  targetColumn,
  updateRows,
  type RewriteResult,
  type SourceRows,
  type TableSession,
  type WriteOptions,
  type WriteOutcome,
} from "../../shared/table/index.ts";
import { moduloOf } from "./model.ts";
import type { RandomTable, Step } from "./random-table.ts";
import type { World } from "./world.ts";

const scratch = new MemoryStore({ clock: systemClock, random: systemRandom });

/** Rows given as texts, as a source: delta-rs makes a table of them, since they have every type. */
export async function sourceRows(world: World, schema: string, rows: readonly string[]): Promise<SourceRows> {
  const path = world.newPath();
  await world.peers["delta-rs"].ask("write", { path, mode: "append", schema, rows });
  const { table } = world.session(path);
  return sourceOfTable(table, await table.latest());
}

/** Does one step; says whether it made a version. */
export async function dyneStep(world: World, session: TableSession, table: RandomTable, step: Step): Promise<boolean> {
  const outcome = await done(world, session, table, step);
  if (outcome === undefined || outcome.kind === "unchanged") return false;
  if (outcome.kind === "committed") return true;
  throw new Error(`${step.kind} ended with ${JSON.stringify(outcome)}`);
}

async function done(
  world: World,
  session: TableSession,
  { schemaJson }: RandomTable,
  step: Step,
): Promise<WriteOutcome | RewriteResult | undefined> {
  switch (step.kind) {
    case "append":
      return appendRows(session, await sourceRows(world, schemaJson, step.rows));
    case "overwrite":
      return overwriteRows(session, await sourceRows(world, schemaJson, step.rows));
    case "merge":
      return mergeById(world, session, schemaJson, step.rows);
    case "delete":
      return deleteRows(session, { where: condition(step.where) });
    case "update":
      return updateRows(session, {
        where: condition(step.where),
        set: Object.fromEntries(Object.entries(step.set).map(([name, value]) => [name, textLiteral(value)])),
      });
    case "checkpoint": {
      const { version } = await session.table.latest();
      await writeCheckpoint(session.table.log, await stateAt(session.table.log, version));
      return undefined;
    }
    case "optimize":
      return optimize(session, { zOrderBy: ["id"] });
  }
}

/** Updates the rows that have the id of a row given as a text, and inserts the others. */
export async function mergeById(
  world: World,
  session: TableSession,
  schema: string,
  rows: readonly string[],
): Promise<WriteOutcome> {
  return mergeRows(session, await sourceRows(world, schema, rows), {
    on: call("eq", column(targetColumn("id")), column(sourceColumn("id"))),
    clauses: [
      { kind: "matched-update", set: { kind: "all" } },
      { kind: "not-matched-insert", values: { kind: "all" } },
    ],
    scratch,
  });
}

/** Sets columns to the values of expressions in SQL, in the rows that meet a condition in SQL. */
export async function updateBySql(
  session: TableSession,
  set: Readonly<Record<string, string>>,
  where: string,
): Promise<WriteOutcome> {
  const { schema } = await session.table.latest();
  const values = Object.entries(set).map(([name, text]) => [name, parseExpression(text, schema)] as const);
  return updateRows(session, { set: Object.fromEntries(values), where: parsePredicate(where, schema) });
}

/** Appends rows given as texts. */
export async function appendTexts(
  world: World,
  session: TableSession,
  schema: string,
  rows: readonly string[],
  options: WriteOptions & { readonly mergeSchema?: boolean } = {},
): Promise<void> {
  const outcome = await appendRows(session, await sourceRows(world, schema, rows), options);
  if (outcome.kind !== "committed") throw new Error(`the append ended with ${JSON.stringify(outcome)}`);
}

export const column = (name: string): Expression => ({ kind: "column", name });
export const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });
const long = (value: number): Expression => ({ kind: "literal", value, type: { kind: "long" } });

/** A condition of the model, as an expression. */
export function condition(where: string): Expression {
  const { divisor, rest } = moduloOf(where);
  return call("eq", call("modulo", column("id"), long(divisor)), long(rest));
}

function textLiteral(sql: string): Expression {
  return { kind: "literal", value: sql.slice(1, -1), type: { kind: "string" } };
}
