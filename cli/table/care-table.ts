/** What commands that rewrite or delete files of a table need to know of the flows that write and read it. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { DyneError } from "../../shared/core/index.ts";
import type { DeclaredFlow } from "../../shared/engine/index.ts";
import { keepNothing, type DeltaTable, type KeepFiles } from "../../shared/table/index.ts";
import { Operator } from "../operator.ts";
import { assertNoClone, tableNamed, withTable, type TableOptions } from "./open-table.ts";
import { declaredWriter } from "./table-writer.ts";

/** A table in the care of a command. */
export interface CaredTable {
  readonly keep: KeepFiles;
  /** Does work while no batch that merges into the table runs. Throws NOT_READY where one does. */
  readonly hold: <Result>(work: (signal: AbortSignal | undefined) => Promise<Result>) => Promise<Result>;
}

/**
 * Does something with a table of a data folder as its flows allow, or with one in a local folder, which no flow is known to write or read.
 * A flow's quarantine is in the care of the flow, too. Errors: as `withTable`.
 */
export async function withCare(
  name: string,
  options: Pick<TableOptions, "data" | "clonedFrom">,
  use: (table: DeltaTable, care: CaredTable) => Promise<void>,
): Promise<void> {
  const alone: CaredTable = { keep: keepNothing, hold: (work) => work(undefined) };
  if (existsSync(resolve(name))) return withTable(name, options, (table) => use(table, alone));
  assertNoClone(name, options.clonedFrom);
  await using operator = await Operator.open(options.data);
  const table = await tableNamed(operator.lake, name, options.data);
  const flow = declaredWriter(table.path);
  if (flow === undefined) return await use(table, alone);
  await operator.operate(flow.id, (engine) =>
    use(table, {
      keep: engine.keptFiles(table.path),
      hold: async (work) => {
        const held = await engine.care(flow.id, work);
        if (held === undefined) throw busy(flow);
        return held.result;
      },
    }),
  );
}

function busy({ id }: DeclaredFlow): DyneError {
  return new DyneError("NOT_READY", `A batch of ${id} is being merged into the table. Repeat the command in a moment.`);
}
