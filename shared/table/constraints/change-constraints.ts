/** CHECK constraints that are added and dropped (PROTOCOL.md § CHECK Constraints). */
import { DyneError, limits } from "../../core/index.ts";
import { protocolAfter, type AddFile, type Snapshot } from "../../delta/index.ts";
import type { LogicalPlan } from "../../plan/index.ts";
import { commitAltered, type Alteration } from "../alter/alteration.ts";
import { assertNoFlow, type AlterOptions } from "../alter/flow-properties.ts";
import type { TableSession } from "../table-session.ts";
import { rowsKeeping } from "./guarded-plan.ts";
import { checkRule, constraintPrefix, type TableRule } from "./table-rule.ts";
import { unchanged } from "../unchanged.ts";

export interface ConstraintOptions extends AlterOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Adds a CHECK constraint: from this version on, its condition is true of every row. The rows that are there are looked at first, some files at
 * a time; rows that arrive meanwhile are a conflict. Names are kept in lower case. Safe to repeat: the same constraint again is `unchanged`.
 *
 * Errors: CONSTRAINT_VIOLATED with a row that breaks it; DUPLICATE_NAME where the name has another condition; INVALID_ARGUMENT for a name that is
 * empty, and for a table that a flow writes; those of `parsePredicate`.
 */
export async function addConstraint(
  session: TableSession,
  name: string,
  condition: string,
  options: ConstraintOptions = {},
): Promise<Alteration> {
  const { table } = session;
  const snapshot = await table.latest();
  assertNoFlow(table.path, snapshot, options, "adding a constraint");
  const key = keyOf(table.path, name);
  const there = snapshot.metadata.configuration[key];
  if (there === condition) return unchanged(table, snapshot);
  if (there !== undefined)
    throw new DyneError(
      "DUPLICATE_NAME",
      `${table.path} has the constraint ${name}: ${there}. Drop it first, or give the new one another name.`,
    );
  await assertKept(session, snapshot, checkRule(snapshot.schema, name.toLowerCase(), condition), options);
  const configuration = { ...snapshot.metadata.configuration, [key]: condition };
  const metadata = { ...snapshot.metadata, configuration };
  return commitAltered(table, snapshot, {
    protocol: protocolAfter(table.path, snapshot.protocol, metadata, snapshot.schema),
    metadata,
    operation: "ADD CONSTRAINT",
    operationParameters: { name, expr: condition },
    conflictsWithAppends: true,
  });
}

/** Drops a CHECK constraint, whatever the case of its name. Where there is none of the name, the table is `unchanged`. Safe to repeat. */
export async function dropConstraint({ table }: Pick<TableSession, "table">, name: string): Promise<Alteration> {
  const snapshot = await table.latest();
  const { [keyOf(table.path, name)]: dropped, ...configuration } = snapshot.metadata.configuration;
  if (dropped === undefined) return unchanged(table, snapshot);
  return commitAltered(table, snapshot, {
    protocol: snapshot.protocol,
    metadata: { ...snapshot.metadata, configuration },
    operation: "DROP CONSTRAINT",
    operationParameters: { name, expr: dropped, existed: "true" },
  });
}

function keyOf(path: string, name: string): string {
  if (/^[\p{L}\d_.-]+$/u.test(name)) return `${constraintPrefix}${name.toLowerCase()}`;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(name)} cannot be the name of a constraint of ${path}. Use letters, digits, "_", "-" and ".".`,
  );
}

/** Throws CONSTRAINT_VIOLATED at the first row that breaks the rule. What is on the local disk at once is bounded. */
async function assertKept(
  { compute, table }: TableSession,
  snapshot: Snapshot,
  rule: TableRule,
  { signal }: ConstraintOptions,
): Promise<void> {
  const scan: LogicalPlan = { kind: "scan", source: "rows", schema: snapshot.schema, streaming: false };
  const [first] = Object.keys(snapshot.schema.fields);
  // A count that reads the guarded column makes every row be looked at, and none be kept.
  const plan: LogicalPlan = {
    kind: "aggregate",
    input: rowsKeeping(scan, [rule]),
    groupBy: [],
    aggregates: [
      {
        name: "rows",
        expression: {
          kind: "aggregate",
          name: "count",
          args: [{ kind: "column", name: first! }],
          distinct: false,
          filter: undefined,
        },
      },
    ],
  };
  for (const files of inGroups(snapshot.files)) {
    signal?.throwIfAborted();
    const result = await compute.run({
      name: `the constraint ${rule.name} of ${table.path}`,
      inputs: { rows: table.fileSet(snapshot, files) },
      steps: [],
      writes: [],
      collects: [{ name: "rows", plan, rowsMax: 1 }],
      parameters: {},
      signal,
    });
    if (result.kind === "pending")
      throw new DyneError("BATCH_ABANDONED", `Looking at the rows of ${table.path} waits for its compute. Try again.`);
  }
}

function* inGroups(files: Iterable<AddFile>): Generator<readonly AddFile[]> {
  let group: AddFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (group.length > 0 && (group.length >= limits.pageFilesMax || bytes + file.size > limits.pageFilesBytes)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.size;
  }
  if (group.length > 0) yield group;
}
