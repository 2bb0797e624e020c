/** Which flow of the pipelines writes a table. */
import { existsSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { DeclaredFlow } from "../../shared/engine/index.ts";
import { writingFlow, type DeltaTable, type TableWriter } from "../../shared/table/index.ts";
import { Operator } from "../operator.ts";

/** The flow that writes the table at a path of the lake: its own, or its quarantine. */
export function declaredWriter(path: string): DeclaredFlow | undefined {
  return Operator.flows.find((flow) => placesOf(flow).includes(path));
}

/**
 * The flow that writes the table which a command opened under `name`. One of a data folder is told by its place, before its first batch
 * too; one in a folder by what batches recorded in it, which may be of a pipeline that is not there.
 */
export async function tableWriter(name: string, table: DeltaTable): Promise<TableWriter | undefined> {
  const folder = resolve(name);
  const isFolder = existsSync(folder);
  const flow = isFolder ? writingFlow(await table.latest()) : declaredWriter(table.path)?.id;
  if (flow === undefined) return undefined;
  const place = isFolder ? folder.split(sep).join("/") : `/${table.path}`;
  const declared = Operator.flows.find(({ id }) => id === flow);
  // Of a view, of a flow's hidden tables, and of what is not declared, rows may be replaced.
  const appendsOnly =
    declared !== undefined && declared.kind !== "view" && placesOf(declared).some((path) => place.endsWith(`/${path}`));
  return { flow, appendsOnly };
}

function placesOf(flow: DeclaredFlow): readonly string[] {
  return "quarantine" in flow ? [flow.output.path, flow.quarantine.path] : [flow.output.path];
}
