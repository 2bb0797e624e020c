/**
 * A streaming table batch by batch against a naive reading of its rules (SPEC.md 4, 5): of each row that a batch read, what should have become
 * of it, told from the rows alone. What others delete from the table later is no matter of the law, so its commits are read, not its versions.
 */
import { layout, type DeltaRange } from "../../shared/checkpoint/index.ts";
import type { Row } from "../../shared/compute/index.ts";
import type { DeclaredFlow } from "../../shared/engine/index.ts";
import { checkStreaming, schemaOf, type DataType, type LogicalPlan, type Schema } from "../../shared/plan/index.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import {
  asTexts,
  committedBatches,
  firstsWithin,
  microsOf,
  rowsRead,
  type PlacedRow,
} from "../support/engine-oracle.ts";
import { difference, differenceText } from "./multiset.ts";
import { mixedZeros } from "./open-zeros.ts";
import { isNumber } from "./terms.ts";

export type StreamFlow = Extract<DeclaredFlow, { kind: "stream" }>;

/** A row of the flow's commits: to the sink as it is, to quarantine with its reason. */
interface Fate {
  readonly batchId: number;
  readonly reason: string | null;
  readonly rule: string | null;
  readonly placed: PlacedRow;
}

/** What is wrong with a streaming table, in words; undefined where it keeps the law. */
export async function judgeStream(world: EngineWorld, flow: StreamFlow): Promise<string | undefined> {
  const state = await world.stateOf(flow.id);
  if (state !== "RUNNING")
    return `${flow.id} is ${state}: ${JSON.stringify(await world.record(layout.state(flow.id)))}`;
  const batches = (await committedBatches(world, flow.id)).filter(({ offsets }) => offsets.batchId > 0);
  const types = Object.entries(schemaOf(flow.query).fields).map(([name, { type }]) => [name, type] as const);
  const read: { batchId: number; row: PlacedRow }[] = [];
  for (const batch of batches) {
    const rows = (await rowsRead(world, flow, batch)).sort((a, b) => inOrder(a, b, types));
    read.push(...rows.map((row) => ({ batchId: batch.offsets.batchId, row })));
  }
  const left = await unread(
    world,
    flow,
    (batches.at(-1)?.offsets.inputs[flow.stream.name] as DeltaRange | undefined)?.toVersion,
  );
  if (left !== undefined) return left;
  const fates = fatesOf(flow, read);
  const kept = fates
    .filter(({ reason }) => reason === null)
    .map(({ batchId, placed }): Row => ({ batchId, row: placed.text }));
  // Of rows that one row became, and that differ in a zero's sign, any is the first of its key.
  const isChosen = checkStreaming(flow.query).deduplicate !== undefined;
  const isOpen = isChosen || mixedZeros(fates.map(({ placed }) => ({ row: placed.text }))).size > 0;
  const sink = difference(await sinkRows(world, flow), kept, { openZeros: new Set(isOpen ? ["row"] : []) });
  if (sink !== undefined)
    return `what ${flow.id} appended is not what its query makes of the rows that stay:\n${differenceText(sink)}`;
  const countsOnly = checkStreaming(flow.query).watermark?.watermark.late === "count";
  const out = fates
    .filter(({ reason }) => reason !== null && reason !== "DUPLICATE" && !(countsOnly && reason === "LATE"))
    .map(({ batchId, reason, rule, placed }): Row => ({ batchId, reason, rule, position: placed.position }));
  const quarantine = difference(await quarantineRows(world, flow), out);
  return quarantine && `the quarantine of ${flow.id} is not what breaks its rules:\n${differenceText(quarantine)}`;
}

/** Commits with rows that no batch has read, once all is quiet and everything joined has rows. */
async function unread(world: EngineWorld, flow: StreamFlow, readTo = -1): Promise<string | undefined> {
  for (const joined of flow.statics) if ((await world.table(joined.path).latest()).version < 1) return undefined;
  const table = world.table(flow.stream.path);
  const commits = await table.changes(readTo, (await table.latest()).version);
  const found = commits.find(({ adds }) => adds.some(({ dataChange }) => dataChange));
  return (
    found && `${flow.id} has read ${flow.stream.name} up to version ${readTo}, but version ${found.version} has rows`
  );
}

function fatesOf(flow: StreamFlow, read: readonly { readonly batchId: number; readonly row: PlacedRow }[]): Fate[] {
  const { deduplicate, watermark: eventTime } = checkStreaming(flow.query);
  const watermark = eventTime?.watermark;
  const newest = new Map<string, bigint>();
  const fates = read.map(({ batchId, row }): Fate => {
    const fate = (reason: string | null, rule: string | null = null): Fate => ({ batchId, reason, rule, placed: row });
    if (row.error !== null) return fate("MALFORMED");
    if (watermark !== undefined) {
      const timeUs = microsOf(row.row[watermark.eventTime]);
      const seenUs = newest.get(row.lane);
      const isAhead =
        timeUs !== undefined &&
        row.arrivalUs !== undefined &&
        timeUs > row.arrivalUs + BigInt(watermark.maxAheadMs) * 1_000n;
      if (timeUs !== undefined && !isAhead && (seenUs === undefined || timeUs > seenUs)) newest.set(row.lane, timeUs);
      if (timeUs !== undefined && seenUs !== undefined && timeUs < seenUs - BigInt(watermark.delayMs) * 1_000n)
        return fate("LATE");
    }
    const broken = flow.expectations.find(({ action }, index) => action === "drop" && row.holds[index] !== true);
    return broken === undefined ? fate(null) : fate("EXPECTATION", broken.name);
  });
  if (deduplicate === undefined || watermark === undefined) return fates;
  const kept = new Set(
    firstsWithin(
      fates.filter(({ reason }) => reason === null),
      ({ placed }) => JSON.stringify(deduplicate.keys.map((key) => keyText(placed, key))),
      ({ placed }) => microsOf(placed.row[watermark.eventTime]),
      watermark.delayMs,
    ),
  );
  return fates.map((fate) => (fate.reason !== null || kept.has(fate) ? fate : { ...fate, reason: "DUPLICATE" }));
}

/** A key as text with all its digits, in which a zero has no sign. */
function keyText({ text, row }: PlacedRow, key: string): unknown {
  const value = row[key] ?? null;
  if (typeof value !== "number") return value;
  const digits = new RegExp(`"${key}":(-?[0-9.eE+-]+)`).exec(text)?.[1] ?? String(value);
  return value === 0 ? 0 : digits;
}

async function sinkRows(world: EngineWorld, flow: StreamFlow): Promise<Row[]> {
  const table = world.table(flow.output.path);
  const snapshot = await table.latest();
  const batchOf = new Map<string, number>();
  const commits = (await table.changes(-1, snapshot.version)).filter(({ txns }) => txns.length > 0);
  for (const { version, txns } of commits)
    batchOf.set(String(version), Number(BigInt(txns[0]?.version ?? 0) & 0xffff_ffffn));
  const version = { name: "__version", type: { kind: "long" as const } };
  const files = commits.flatMap((commit) => commit.adds.map((file) => table.inputFile(snapshot, file, commit.version)));
  const schema: Schema = {
    kind: "struct",
    fields: { ...snapshot.schema.fields, [version.name]: { type: version.type, nullable: true } },
  };
  const scan: LogicalPlan = { kind: "scan", source: "sink", schema, streaming: false };
  const hidden = [{ ...version, expression: { kind: "column" as const, name: "_commit_version" } }];
  const result = await world.compute.run({
    name: "judge",
    inputs: { sink: { ...table.fileSet(snapshot, []), files, hidden } },
    steps: [],
    writes: [],
    collects: [
      { name: "rows", rowsMax: 1_000_000, plan: asTexts(scan, Object.keys(snapshot.schema.fields), [version.name]) },
    ],
    parameters: {},
  });
  if (result.kind === "pending") throw new Error("pending");
  return (result.collected["rows"] ?? []).map((row) => ({
    batchId: batchOf.get(String(row[version.name])) ?? -1,
    row: String(row["row"]),
  }));
}

async function quarantineRows(world: EngineWorld, flow: StreamFlow): Promise<Row[]> {
  const table = world.table(flow.quarantine.path);
  const snapshot = await table.latest();
  const names = ["batch_id", "reason", "rule", "position"] as const;
  const scan: LogicalPlan = { kind: "scan", source: "t", schema: snapshot.schema, streaming: false };
  const result = await world.compute.run({
    name: "judge",
    inputs: { t: table.fileSet(snapshot) },
    steps: [],
    writes: [],
    collects: [
      {
        name: "rows",
        rowsMax: 1_000_000,
        plan: {
          kind: "project",
          input: scan,
          columns: names.map((name) => ({ name, expression: { kind: "column", name } })),
        },
      },
    ],
    parameters: {},
  });
  if (result.kind === "pending") throw new Error("pending");
  return (result.collected["rows"] ?? []).map((row) => ({
    batchId: Number(row["batch_id"]),
    reason: row["reason"] ?? null,
    rule: row["rule"] ?? null,
    position: Number(row["position"]),
  }));
}

/** Commit, lane, position; rows that one row became, by all columns, NULL before all values (SPEC.md 3). */
function inOrder(a: PlacedRow, b: PlacedRow, types: readonly (readonly [string, DataType])[]): number {
  const byPlace = a.version - b.version || compared(a.lane, b.lane) || a.position - b.position;
  if (byPlace !== 0) return byPlace;
  for (const [name, type] of types) {
    const order = valuesInOrder(a.row[name] ?? null, b.row[name] ?? null, type);
    if (order !== 0) return order;
  }
  return 0;
}

function valuesInOrder(a: unknown, b: unknown, type: DataType): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  if (type.kind === "array") return listsInOrder(a as readonly unknown[], b as readonly unknown[], type.element);
  if (!isNumber(type)) return compared(typeof a === "boolean" ? Number(a) : a, typeof b === "boolean" ? Number(b) : b);
  const [left, right] = [Number(a), Number(b)];
  // NaN is above all numbers.
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return compared(left, right);
}

/** Inside a list NULL is above all values. */
function listsInOrder(a: readonly unknown[], b: readonly unknown[], element: DataType): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = valuesInOrder(a[index] ?? null, b[index] ?? null, element);
    if (order !== 0) return (a[index] ?? null) === null || (b[index] ?? null) === null ? -order : order;
  }
  return a.length - b.length;
}

const compared = (a: unknown, b: unknown): number =>
  (a as string) < (b as string) ? -1 : (a as string) > (b as string) ? 1 : 0;
