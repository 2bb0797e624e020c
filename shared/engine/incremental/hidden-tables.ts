/**
 * The hidden tables of a view: one per keyed operator for its groups, one more per distinct count for its values. They are Delta tables
 * under the flow's generation, written by the batch that writes the view, and read as its last commit left them (SPEC.md 1, 3, 9).
 */
import { layout, type CommitRecord, type GenerationRecord } from "../../checkpoint/index.ts";
import type { FlowId, Generation } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import { sameType, type Schema } from "../../plan/index.ts";
import type { TableCatalog } from "../../table/index.ts";
import type { TableLocation } from "../declared-flow.ts";
import type { FlowTable } from "../flow.ts";
import { keyColumn } from "./operators/accumulator.ts";
import { groupsSchema, valuesSchema } from "./operators/keyed-operator.ts";
import { groupsTable, valuesTable } from "./operators/operator-steps.ts";
import { keyIndex } from "./operators/group-change.ts";
import { columnAt, viewNodes, type ViewNode } from "./view-node.ts";
import type { ViewPlan } from "./view-plan.ts";

export interface HiddenTable {
  /** Of the relation in plans. */
  readonly name: string;
  readonly role: string;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
}

/** What a hidden table held when the last batch was committed. */
export interface HeldTable extends HiddenTable {
  readonly path: string;
  readonly tableId: string;
  readonly snapshot: Snapshot;
}

/** The hidden tables that a view keeps, in the order of their commits. They are split as the view is, where its keys say how. */
export function hiddenTables(view: ViewPlan, output: TableLocation): readonly HiddenTable[] {
  if (view.kind !== "changes" || !view.keepsState) return [];
  return [...viewNodes(view.root)].flatMap((node) => {
    if (node.kind !== "group") return [];
    const { operator } = node.place;
    const partitionBy = partitionKeys(view.root, node, output).map(keyColumn);
    const table = (name: string, schema: Schema): HiddenTable => ({ name, role: `state:${name}`, schema, partitionBy });
    return [
      table(groupsTable(operator), groupsSchema(operator)),
      ...operator.distinct.map((distinct, index) =>
        table(valuesTable(operator, index), valuesSchema(operator, distinct)),
      ),
    ];
  });
}

/** The keys of an operator that are partition columns of the view, in types whose values have one text only. */
function partitionKeys(root: ViewNode, node: Extract<ViewNode, { kind: "group" }>, output: TableLocation): number[] {
  const indexes = output.partitionBy.flatMap((name) => {
    const own = columnAt(root, name, node);
    const index = own === undefined ? -1 : keyIndex(node.place, own);
    return index >= 0 && told.has(node.place.operator.keys[index]?.type.kind) ? [index] : [];
  });
  return [...new Set(indexes)].sort((a, b) => a - b);
}

const told = new Set<string | undefined>(["date", "string", "long", "integer"]);

export function hiddenFlowTables(flow: FlowId, generation: Generation, tables: readonly HiddenTable[]): FlowTable[] {
  return tables.map(({ name, role, schema, partitionBy }) => ({
    role,
    root: "host",
    path: layout.stateTable(flow, generation, name),
    schema,
    partitionBy,
  }));
}

/**
 * True where the view moved on without its hidden tables: in full, or in a batch of a build that keeps none. What was computed in full may have
 * left the view as it was, with no rows, so that no commit of its own tells. Builds before those that say so kept the groups of chains of
 * operators only, where whatever changes the view changes those of the lowest one in the same batch.
 */
export function areBehind(tables: readonly HiddenTable[], commit: CommitRecord | undefined): boolean {
  if (commit === undefined || commit.progress.strategy.isStateKept === true) return false;
  if (commit.progress.strategy.name === "full") return tables.length > 0;
  const txnOf = (role: string | undefined): number => commit.tables[role ?? ""]?.txn ?? 0;
  return tables.length > 0 && txnOf(tables[0]?.role) < txnOf("sink");
}

/**
 * The hidden tables as the commit left them, or as they were created where there is none. Undefined where the generation was made by a
 * build that kept none, or others.
 */
export async function heldTables(
  tables: readonly HiddenTable[],
  generation: GenerationRecord,
  commit: CommitRecord | undefined,
  catalog: TableCatalog,
): Promise<readonly HeldTable[] | undefined> {
  const held: HeldTable[] = [];
  for (const table of tables) {
    const owned = generation.tables[table.role];
    if (owned === undefined) return undefined;
    const committed = commit?.tables[table.role];
    const version = committed?.tableId === owned.tableId ? committed.version : 0;
    const snapshot = await catalog.open("host", owned.path).at(Math.max(0, version));
    if (!sameType(snapshot.schema, table.schema)) return undefined;
    // The table is split as the build did that made it.
    const { partitionBy } = snapshot;
    held.push({ ...table, partitionBy, path: owned.path, tableId: owned.tableId, snapshot });
  }
  return held;
}
