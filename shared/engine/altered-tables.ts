/** Tables of a flow that somebody altered so that a new generation could not begin in them: told before it is raised, while it can be helped. */
import { DyneError } from "../core/index.ts";
import type { GenerationRecord } from "../checkpoint/index.ts";
import { tableProperty, type Snapshot } from "../delta/index.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver } from "./flow.ts";

/**
 * Throws INVALID_ARGUMENT, with what to do first, where a flow's sink or quarantine has mapped columns and keeps them, or may not lose rows
 * (`delta.appendOnly`) and is to. A reset gives mapped columns their own names.
 */
export async function assertNotAltered(
  context: EngineContext,
  driver: FlowDriver,
  { tables }: GenerationRecord,
  reason: GenerationRecord["reason"],
): Promise<void> {
  const replacesRows = reason === "reset" || reason === "restore" || driver.isRecomputed === true;
  for (const [role, { root, path }] of Object.entries(tables)) {
    // States are made anew where rows go, and only their flow knows of them.
    const snapshot = role.startsWith("state:") ? undefined : await context.tables.open(root, path).find();
    if (snapshot === undefined) continue;
    if (reason !== "reset" && snapshot.columnMapping !== "none") throw mapped(driver, path, reason);
    if (replacesRows && keepsItsRows(snapshot)) throw appendOnly(driver, role, path, reason);
  }
}

function keepsItsRows({ metadata, files }: Snapshot): boolean {
  return files.size > 0 && tableProperty(metadata.configuration, "delta.appendOnly");
}

function mapped({ flow }: FlowDriver, path: string, reason: string): DyneError {
  return new DyneError(
    "INVALID_ARGUMENT",
    `A ${reason} of ${flow} would fail: somebody mapped the columns of ${path}, and flows write them by their own names. "dyne flow reset ${flow}" gives them their own names again, and computes its rows anew; to keep the rows, let Spark set delta.columnMapping.mode to none, which writes the files anew.`,
    { details: { flow, path } },
  );
}

function appendOnly({ flow }: FlowDriver, role: string, path: string, reason: string): DyneError {
  const name = role === "sink" ? flow : `${role}/${flow}`;
  return new DyneError(
    "INVALID_ARGUMENT",
    `A ${reason} of ${flow} would fail: delta.appendOnly of ${path} is true, and rows are to go. Take it away first: "dyne table alter ${name} unset-property delta.appendOnly".`,
    { details: { flow, path } },
  );
}
