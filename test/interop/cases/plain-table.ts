/** What cases share: a table on which each kind of change is done once, and steps beside a model. */
import { schemaString } from "../../../shared/delta/index.ts";
import { date, long, string, type DataType, type Schema, type StructField } from "../../../shared/plan/index.ts";
import type { TableSession } from "../../../shared/table/index.ts";
import { appendTexts, dyneStep } from "../dyne-steps.ts";
import { Model } from "../model.ts";
import type { RandomTable, Step } from "../random-table.ts";
import type { World } from "../world.ts";
import type { Written } from "./case.ts";

export type Properties = Readonly<Record<string, string>>;

/** Creates a table and does steps on it, with a model of its rows beside. */
export async function stepByStep(
  world: World,
  session: TableSession,
  table: RandomTable,
  steps: readonly Step[],
): Promise<Model> {
  const model = await appendFirst(world, session, table);
  for (const step of steps) {
    const concerned = model.concerns(step) > 0;
    const committed = await dyneStep(world, session, table, step);
    if (concerned && !committed) throw new Error(`${step.kind} changed nothing, but concerns rows`);
    if (committed) model.apply(step);
  }
  return model;
}

/** Writes a table's first rows, with a model beside. */
async function appendFirst(world: World, session: TableSession, table: RandomTable): Promise<Model> {
  await appendTexts(world, session, table.schemaJson, table.first);
  const model = new Model();
  model.apply({ kind: "append", rows: table.first });
  return model;
}

/** Creates a table of dyne's own. */
export async function create(
  { table }: TableSession,
  { schema, partitionBy }: Pick<RandomTable, "schema" | "partitionBy">,
  configuration: Properties,
): Promise<void> {
  await table.createIfAbsent({ schema, partitionBy, configuration });
}

/** What a model says was written. */
export function writtenOf({ versions }: Model, withChanges: boolean): Written {
  return {
    versions: versions.map(({ rows }) => rows),
    ...(withChanges && { changes: versions.map(({ changes }) => changes) }),
  };
}

/** Columns of these types, any of which may be NULL. */
export function schemaOf(types: Readonly<Record<string, DataType>>): Schema {
  const fields = Object.entries(types).map(([name, type]): [string, StructField] => [name, { type, nullable: true }]);
  return { kind: "struct", fields: Object.fromEntries(fields) };
}

const plainSchema = schemaOf({ id: long(), note: string(), day: date() });

/** The same steps for every feature: each kind of change once, some rows of which are concerned and some not. */
export const plain: RandomTable = {
  seed: 0,
  schema: plainSchema,
  schemaJson: schemaString(plainSchema),
  partitionBy: ["day"],
  first: rows(1, 12),
  steps: [
    { kind: "append", rows: rows(13, 20) },
    { kind: "update", set: { note: "'updated'" }, where: "id % 4 = 1" },
    { kind: "delete", where: "id % 5 = 0" },
    { kind: "checkpoint" },
    { kind: "merge", rows: [...rows(3, 4), ...rows(30, 32)] },
    { kind: "delete", where: "id % 3 = 2" },
    { kind: "optimize" },
    { kind: "append", rows: rows(40, 41) },
  ],
};

/** Rows of the plain table with these ids, both included. */
export function rows(first: number, last: number): readonly string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const id = first + i;
    return JSON.stringify({
      id,
      note: id % 7 === 0 ? null : `n${id}`,
      day: id % 6 === 0 ? null : `2024-01-0${1 + (id % 2)}`,
    });
  });
}
