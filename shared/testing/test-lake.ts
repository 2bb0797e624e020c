/** What survives an instance, and what a test sees of it: stores and hubs in memory, the time, and the tables as they stand. */
import { join } from "node:path";
import { FlowLog, LaneLog, type CommitRecord, type FlowStateRecord } from "../checkpoint/index.ts";
import type { ComputeInput } from "../compute/index.ts";
import {
  DyneError,
  flowId,
  generation,
  nearestName,
  placeColumn,
  seededRandom,
  silentLogger,
  type Random,
} from "../core/index.ts";
import type { EngineContext } from "../engine/index.ts";
import { tablePath, type DeclaredTable, type Flow, type Pipeline } from "../pipeline/index.ts";
import type { LogicalPlan, Schema } from "../plan/index.ts";
import { MemoryStore, type ObjectStore } from "../storage/index.ts";
import { LakeTable } from "../table/lake/index.ts";
import { rowText, TableCatalog, type DeltaTable } from "../table/index.ts";
import { MemoryHubs } from "./memory-hubs.ts";
import type { SharedCompute } from "./shared-compute.ts";
import { VirtualClock } from "./virtual-clock.ts";

const dayMs = 86_400_000;
/** Rows of a table that a check looks at. */
const rowsMax = 1_000_000;

export interface TestSettings {
  readonly seed: number;
  readonly startMs: number;
}

export class TestLake {
  readonly pipeline: Pipeline;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly host: ObjectStore;
  readonly lake: ObjectStore;
  readonly hubs: MemoryHubs;
  readonly shared: SharedCompute;
  readonly #tables: TableCatalog;
  #landed = 0;

  constructor(pipeline: Pipeline, shared: SharedCompute, { seed, startMs }: TestSettings) {
    this.pipeline = pipeline;
    this.shared = shared;
    this.clock = new VirtualClock(startMs);
    this.random = seededRandom(seed);
    this.host = new MemoryStore(this);
    this.lake = new MemoryStore(this);
    this.hubs = new MemoryHubs(pipeline, startMs - dayMs);
    this.#tables = this.#catalog(this);
  }

  /** What an instance is given. It has tables of its own: a new instance knows nothing of what another one has read. */
  context(wrap: (store: ObjectStore) => ObjectStore): EngineContext {
    const { clock, random, hubs, shared } = this;
    const stores = { host: wrap(this.host), lake: wrap(this.lake) };
    return {
      pipeline: this.pipeline.name,
      ...stores,
      compute: shared.compute,
      hubs,
      tables: this.#catalog(stores),
      // A test runs flows until nothing is left to do: there is nothing to be reminded of.
      doorbells: { ring: async () => {} },
      clock,
      random,
      logger: silentLogger,
      workDirectory: join(shared.directory, "work"),
    };
  }

  #catalog(stores: { readonly host: ObjectStore; readonly lake: ObjectStore }): TableCatalog {
    const { clock, random, shared } = this;
    const { checkpoints } = shared.compute;
    const services = { clock, random, logger: silentLogger };
    return new TableCatalog(stores, { ...services, checkpointReader: checkpoints, checkpointWriter: checkpoints });
  }

  /** A declared table by its name. Errors: INVALID_ARGUMENT. */
  declared(name: string): DeclaredTable {
    const { tables } = this.pipeline;
    const table = tables.find((each) => each.name === name);
    if (table !== undefined) return table;
    const names = tables.map((each) => each.name);
    const near = nearestName(name, names);
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The pipeline ${this.pipeline.name} has no table "${name}". ${near === undefined ? `Take one of ${names.join(", ")}.` : `Is ${near} meant?`}`,
    );
  }

  flow(name: string): Flow {
    this.declared(name);
    return this.pipeline.flows.find(({ output }) => output.name === name) as Flow;
  }

  /** The Delta table behind a declared table, or its quarantine. */
  table(name: string, container: "lake" | "quarantine" = "lake"): DeltaTable {
    return this.#tables.open("lake", tablePath(this.declared(name).name, container));
  }

  /** The table as another program than dyne's flows writes it. */
  foreign(name: string): LakeTable {
    return new LakeTable({ compute: this.shared.compute, table: this.table(name) }, this.host);
  }

  /** The newest version of a table; −1 before there is one. */
  async version(name: string): Promise<number> {
    return (await this.table(name).find())?.version ?? -1;
  }

  /** A number for the next file that is landed. */
  nextLanded(): number {
    return ++this.#landed;
  }

  /** The rows of a table at a version as an input of a plan; undefined where it has none, because there is no table yet. */
  async input(name: string, version?: number, container?: "lake" | "quarantine"): Promise<ComputeInput | undefined> {
    const table = this.table(name, container);
    const snapshot = version === undefined ? await table.find() : version < 0 ? undefined : await table.at(version);
    return snapshot && table.fileSet(snapshot);
  }

  /** The rows of each plan as texts (see `rowText`), in no order: all in one job. */
  async texts(
    inputs: Readonly<Record<string, ComputeInput>>,
    plans: Readonly<Record<string, { readonly plan: LogicalPlan; readonly columns: readonly string[] }>>,
  ): Promise<Readonly<Record<string, readonly string[]>>> {
    const result = await this.shared.compute.run({
      name: "a check",
      inputs,
      steps: [],
      writes: [],
      collects: Object.entries(plans).map(([name, { plan, columns }]) => {
        const row = { name: "row", expression: rowText(columns) };
        return { name, plan: { kind: "project", input: plan, columns: [row] }, rowsMax };
      }),
      parameters: {},
    });
    if (result.kind === "pending")
      throw new DyneError("COMPUTE_FAILED", "DuckDB computes at once. This is a bug in dyne.");
    return Object.fromEntries(
      Object.entries(result.collected).map(([name, rows]) => [name, rows.map((row) => String(row["row"]))]),
    );
  }

  /** What the flow last committed, over all of its lanes; undefined before its first batch. */
  async lastCommit(name: string): Promise<CommitRecord | undefined> {
    const records = { store: this.host, clock: this.clock, random: this.random };
    const id = flowId(name);
    const log = new FlowLog(records, id);
    const newest = (await log.generations()).at(-1);
    if (newest === undefined) return undefined;
    const current = generation(newest.generation);
    const lanes = await log.lanes(current);
    const heads = await Promise.all(lanes.map((lane) => new LaneLog(records, id, current, lane).head()));
    const commits = heads.flatMap(({ lastCommit }) => lastCommit ?? []);
    return commits.sort((a, b) => a.committedTime.localeCompare(b.committedTime)).at(-1);
  }

  /** Undefined for a flow that runs and has never done anything else. */
  async stateOf(name: string): Promise<FlowStateRecord | undefined> {
    const records = { store: this.host, clock: this.clock, random: this.random };
    return (await new FlowLog(records, flowId(name)).state()).record;
  }
}

/** A scan of one of a plan's inputs. */
export function scanOf(source: string, schema: Schema): LogicalPlan {
  return { kind: "scan", source, schema, streaming: false };
}

/** The columns of a table that people see. */
export function shownColumns(schema: Schema): readonly string[] {
  return Object.keys(schema.fields).filter((name) => name !== placeColumn);
}
