/** What others than the flows do to tables: each one commit, as any program that writes Delta makes it. */
import { AssertionError } from "node:assert";
import { Column, type ColumnTypes, type Schema, type StructField } from "../plan/index.ts";
import type { WriteOutcome } from "../table/lake/index.ts";
import { DyneError } from "../core/index.ts";
import type { Action, Update } from "./action.ts";
import { columnLiteral } from "./column-literal.ts";
import type { TestLake } from "./test-lake.ts";

export type ForeignCommit = Extract<
  Action,
  { readonly kind: "appendData" | "overwriteData" | "updateData" | "deleteData" | "optimize" }
>;

/** Makes the commit. Throws an AssertionError where an update or a delete meets no row: what the test means to try did not happen then. */
export async function commitForeign(lake: TestLake, action: ForeignCommit): Promise<void> {
  const table = lake.foreign(action.table);
  switch (action.kind) {
    case "appendData":
      return committed(await table.append(action.rows));
    case "overwriteData":
      return committed(await table.overwrite(action.rows));
    case "updateData": {
      const { set, where } = action.update;
      return changed(action, await table.update(settersOf(set, lake.declared(action.table).schema), where));
    }
    case "deleteData":
      return changed(action, await table.delete(action.where));
    case "optimize": {
      const result = await table.optimize();
      if (result.kind === "unchanged") throw nothingDone(action, "there are no two small files to put together");
      return;
    }
  }
}

function committed(outcome: WriteOutcome): void {
  if (outcome.kind === "conflict")
    throw new DyneError(
      "COMPUTE_FAILED",
      `Nobody else writes, and yet there is a conflict: ${outcome.reason}. This is a bug in dyne.`,
    );
}

function changed(action: ForeignCommit, outcome: WriteOutcome): void {
  committed(outcome);
  if (outcome.kind === "unchanged") throw nothingDone(action, "it met no row");
}

function nothingDone({ kind, table }: ForeignCommit, why: string): AssertionError {
  return new AssertionError({
    message: `${kind} of ${table} changed nothing: ${why}. Is there a processAllAvailable() missing before it?`,
  });
}

/** New values as a table's `update` takes them. */
function settersOf(set: Update<ColumnTypes>["set"], schema: Schema) {
  if (typeof set === "function") return set;
  const values = Object.entries(set).map(([name, value]) => {
    const field = (schema.fields as Readonly<Record<string, StructField>>)[name];
    if (field === undefined)
      throw new DyneError(
        "UNKNOWN_COLUMN",
        `There is no column "${name}". Set one of ${Object.keys(schema.fields).join(", ")}.`,
      );
    return [name, new Column(columnLiteral(value, field.type, `set.${name}`), field.type)] as const;
  });
  return () => Object.fromEntries(values);
}
