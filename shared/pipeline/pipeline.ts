/** A pipeline: its tables in the order in which data flows, the flows that feed them, and who reads whom. */
import { DyneError, flowId } from "../core/index.ts";
import type { FlowId, TableName } from "../core/index.ts";
import { canonicalJson, checkStreaming, planFingerprint, sameType, scansOf } from "../plan/index.ts";
import type { Scan } from "../plan/index.ts";
import type { DeclaredTable } from "./table.ts";

/** Which lanes a flow has: one per partition of a hub, or a single one. */
export type Lanes = { readonly kind: "partitions"; readonly hub: string } | { readonly kind: "single" };

export interface FlowInput {
  readonly table: TableName;
  /** `streaming`: each row once. `static`: as the table stands when a batch is planned. */
  readonly mode: "streaming" | "static";
}

/** What feeds one table. */
export interface Flow {
  readonly id: FlowId;
  readonly kind: "hub" | "files" | "stream" | "view";
  readonly inputs: readonly FlowInput[];
  readonly output: DeclaredTable;
  /** Changes exactly when the rows may (canonical plan, source, expectations, partitioning). */
  readonly fingerprint: string;
  readonly lanes: Lanes;
  /** The output has the hidden column of each row's place, because a streaming table with event time or state reads it. */
  readonly carriesPlace: boolean;
  readonly minIntervalMs: number;
  /** The share of time that a view's refreshes may take; 1 for other flows. */
  readonly dutyCycle: number;
}

export interface Pipeline {
  readonly name: string;
  /** Upstream before downstream. */
  readonly tables: readonly DeclaredTable[];
  /** One per table, in the same order. */
  readonly flows: readonly Flow[];
  /** Direct readers and direct inputs of each table. */
  readonly graph: ReadonlyMap<
    TableName,
    { readonly upstream: readonly TableName[]; readonly downstream: readonly TableName[] }
  >;
}

/**
 * Puts tables together and checks what no table can know alone. Errors: INVALID_PIPELINE (cycle, table that is not listed, stream of a
 * view), DUPLICATE_NAME, SCHEMA_MISMATCH, UNSUPPORTED_FEATURE; each names the table and the remedy.
 */
export function definePipeline(name: string, tables: readonly DeclaredTable[]): Pipeline {
  if (typeof name !== "string" || !/^[a-z][a-z0-9_-]{0,62}$/.test(name)) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `"${String(name)}" is not the name of a pipeline. Use lower-case letters, digits, "-" and "_".`,
    );
  }
  if (
    !Array.isArray(tables) ||
    !tables.every(
      (table: Partial<DeclaredTable> | null) => table?.schema !== undefined && typeof table.name === "string",
    )
  )
    throw new DyneError(
      "INVALID_PIPELINE",
      `${name} does not list tables. Give what streamingTable(…) and materializedView(…) gave, in a list.`,
    );
  const listed = new Map<string, DeclaredTable>();
  for (const table of tables) {
    if (listed.has(table.name))
      throw new DyneError("DUPLICATE_NAME", `${name} lists the table ${table.name} twice. Rename one of them.`);
    if (table.name.startsWith("system."))
      throw new DyneError(
        "INVALID_PIPELINE",
        `${table.name} would lie among the tables that dyne keeps about itself. Give it another schema than "system".`,
      );
    listed.set(table.name, table);
  }
  checkHubs(tables);
  const ordered = inOrder(tables, listed);
  const carriers = placeCarriers(ordered);
  const flows: Flow[] = [];
  for (const table of ordered) flows.push(flowOf(table, listed, flows, carriers.has(table.name)));
  const graph = new Map(
    ordered.map((table) => {
      const upstream = upstreamOf(table);
      const downstream = ordered.filter((other) => upstreamOf(other).includes(table.name)).map((other) => other.name);
      return [table.name, { upstream, downstream }] as const;
    }),
  );
  return Object.freeze({ name, tables: ordered, flows, graph });
}

function checkHubs(tables: readonly DeclaredTable[]): void {
  const readers = new Map<string, string>();
  for (const { source, name } of tables) {
    if (source?.kind !== "eventHub") continue;
    const other = readers.get(source.hub);
    if (other !== undefined)
      throw new DyneError(
        "DUPLICATE_NAME",
        `${other} and ${name} both read the hub "${source.hub}". Let one read it, and the other read that table.`,
      );
    readers.set(source.hub, name);
  }
}

function scans(table: DeclaredTable): readonly Scan[] {
  if (table.query === undefined) return [];
  const { streaming, static: statics } = scansOf(table.query);
  return [...streaming, ...statics];
}

function upstreamOf(table: DeclaredTable): readonly TableName[] {
  return [...new Set(scans(table).map(({ source }) => source as TableName))];
}

/** Upstream first, otherwise in the order given. */
function inOrder(
  tables: readonly DeclaredTable[],
  listed: ReadonlyMap<string, DeclaredTable>,
): readonly DeclaredTable[] {
  const ordered: DeclaredTable[] = [];
  const visit = (table: DeclaredTable, path: readonly string[]): void => {
    if (ordered.includes(table)) return;
    if (path.includes(table.name)) {
      throw new DyneError(
        "INVALID_PIPELINE",
        `Tables read each other in a circle: ${[...path.slice(path.indexOf(table.name)), table.name].join(" → ")}. Break it at one of them.`,
      );
    }
    for (const source of upstreamOf(table)) {
      const upstream = listed.get(source);
      if (upstream === undefined)
        throw new DyneError(
          "INVALID_PIPELINE",
          `${table.name} reads ${source}, which the pipeline does not list. Add it to the pipeline's tables.`,
        );
      visit(upstream, [...path, table.name]);
    }
    ordered.push(table);
  };
  for (const table of tables) visit(table, []);
  return ordered;
}

/** Tables whose rows have to say where they stood: fed by a query, and read, row by row or at once, by one with event time or state. */
function placeCarriers(ordered: readonly DeclaredTable[]): ReadonlySet<string> {
  const carriers = new Set<string>();
  const listed = new Map(ordered.map((table) => [table.name as string, table]));
  for (const table of ordered.toReversed()) {
    if (table.kind !== "streamingTable" || table.query === undefined) continue;
    const { stream, watermark, deduplicate } = checkStreaming(table.query);
    const needsPlace = watermark !== undefined || deduplicate !== undefined || carriers.has(table.name);
    if (needsPlace && listed.get(stream.source)?.source === undefined) carriers.add(stream.source);
  }
  return carriers;
}

function flowOf(
  table: DeclaredTable,
  listed: ReadonlyMap<string, DeclaredTable>,
  before: readonly Flow[],
  carriesPlace: boolean,
): Flow {
  const inputs = scans(table).map((scan): FlowInput => {
    const upstream = listed.get(scan.source) as DeclaredTable;
    if (!sameType(scan.schema, upstream.schema)) {
      throw new DyneError(
        "SCHEMA_MISMATCH",
        `${table.name} reads ${scan.source} with other columns than the pipeline's ${scan.source} has. Read the table that is listed.`,
      );
    }
    if (scan.streaming && upstream.kind === "materializedView") {
      throw new DyneError(
        "INVALID_PIPELINE",
        `${table.name} reads the view ${scan.source} as a stream, but rows of a view change. Make ${table.name} a materialized view, or read a streaming table.`,
      );
    }
    return { table: upstream.name, mode: scan.streaming ? "streaming" : "static" };
  });
  const { source, query, expectations, partitionBy, schema } = table;
  return Object.freeze({
    id: flowId(table.name),
    kind: kindOf(table),
    inputs,
    output: table,
    fingerprint: planFingerprint(query, {
      source: source && sourceIdentity(source),
      expectations,
      partitionBy,
      schema: canonicalJson(schema),
    }),
    lanes: lanesOf(table, before),
    carriesPlace,
    minIntervalMs: table.minIntervalMs,
    dutyCycle: table.dutyCycle,
  });
}

function kindOf({ source, kind }: DeclaredTable): Flow["kind"] {
  if (source !== undefined) return source.kind === "eventHub" ? "hub" : "files";
  return kind === "materializedView" ? "view" : "stream";
}

/** What of a source decides the rows: how many partitions to provision does not. */
function sourceIdentity(source: NonNullable<DeclaredTable["source"]>): unknown {
  return source.kind === "eventHub"
    ? { kind: source.kind, hub: source.hub }
    : { kind: source.kind, glob: source.glob, format: source.format };
}

function lanesOf(table: DeclaredTable, before: readonly Flow[]): Lanes {
  if (table.source?.kind === "eventHub") return { kind: "partitions", hub: table.source.hub };
  if (table.kind !== "streamingTable" || table.query === undefined) return { kind: "single" };
  const { stream, watermark, deduplicate } = checkStreaming(table.query);
  if (watermark !== undefined || deduplicate !== undefined) return { kind: "single" };
  return before.find(({ output }) => output.name === stream.source)?.lanes ?? { kind: "single" };
}
