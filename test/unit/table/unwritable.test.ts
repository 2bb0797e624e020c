/** A table that dyne does not write: every operation says so, whether there is something to do or not. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Action } from "../../../shared/delta/index.ts";
import {
  addColumns,
  addConstraint,
  appendRows,
  deleteRows,
  dropColumns,
  dropConstraint,
  mergeRows,
  optimize,
  overwriteRows,
  purge,
  renameColumn,
  restoreTable,
  setProperties,
  sourceColumn,
  sourceOfRows,
  targetColumn,
  unsetProperties,
  updateRows,
  upgradeProtocol,
  vacuum,
  widenColumn,
  type TableSession,
} from "../../../shared/table/index.ts";
import { call, column, long } from "../../../shared/engine/incremental/expressions.ts";
import { openCompute, rowSet, type ComputeUnderTest } from "../../support/compute-under-test.ts";
import { KeptTable } from "../../support/kept-table.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

const types = { id: { kind: "long" } } as const;
const none = sourceOfRows(rowSet(types, { id: [] }));
const nowhere = call("lt", column("id"), long(0));

test.each<[string, (session: TableSession) => Promise<unknown>]>([
  ["an optimize", (session) => optimize(session)],
  ["a purge", (session) => purge(session)],
  ["a vacuum", ({ table }) => vacuum(table)],
  ["a restore of the newest version", ({ table }) => restoreTable(table, { version: 2 })],
  ["an append of no rows", (session) => appendRows(session, none)],
  ["a delete of no rows", (session) => deleteRows(session, { where: nowhere })],
  ["an update of no rows", (session) => updateRows(session, { set: { id: long(1) }, where: nowhere })],
  ["an overwrite of no rows", (session) => overwriteRows(session, none)],
  [
    "a merge of no rows",
    (session) =>
      mergeRows(session, none, {
        on: call("eq", column(sourceColumn("id")), column(targetColumn("id"))),
        clauses: [{ kind: "matched-delete" }],
        scratch: session.table.log.store,
      }),
  ],
  ["properties that it has", (session) => setProperties(session, { owner: "me" })],
  ["properties that it has not, taken away", (session) => unsetProperties(session, ["other"])],
  ["a feature that it has", (session) => upgradeProtocol(session, ["appendOnly"])],
  ["a constraint that it has", (session) => addConstraint(session, "positive", "id >= 0")],
  ["a constraint that it has not, dropped", (session) => dropConstraint(session, "other")],
  ["no more columns", (session) => addColumns(session, {})],
  ["no columns, dropped", (session) => dropColumns(session, [])],
  ["its own name of a column", (session) => renameColumn(session, "id", "id")],
  ["its own type of a column", (session) => widenColumn(session, "id", { kind: "long" })],
])("refuses %s by the feature that dyne does not write", async (_, operation) => {
  const kept = await KeptTable.create(under.compute, {
    types,
    configuration: { "delta.columnMapping.mode": "name", owner: "me" },
  });
  await addConstraint(kept, "positive", "id >= 0");
  const writerFeatures = ["appendOnly", "checkConstraints", "columnMapping", "somethingNew"];
  const protocol = { minReaderVersion: 2, minWriterVersion: 7, writerFeatures };
  const path = `${kept.table.path}/_delta_log/${"2".padStart(20, "0")}.json`;
  await kept.store.put(path, new TextEncoder().encode(`${JSON.stringify({ protocol } satisfies Action)}\n`));
  const done = operation({ compute: kept.compute, table: kept.another() });
  await expect(done).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE", details: { features: ["somethingNew"] } });
});
