/**
 * A whole lakehouse in one process for tests of the engine: two stores and a hub in memory, a real DuckDB, a clock and randomness that the
 * test owns. Rows are read back as JSON texts, without the columns that say when a batch ran.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDbCompute, type CheckpointFiles, type Compute, type ComputeInput } from "../../shared/compute/index.ts";
import { layout } from "../../shared/checkpoint/index.ts";
import { limits, placeColumn, seededRandom, silentLogger, type Random } from "../../shared/core/index.ts";
import { VirtualClock } from "../../shared/testing/virtual-clock.ts";
import { declaredFlows, Engine, type DeclaredFlow, type EngineContext } from "../../shared/engine/index.ts";
import { tablePath, type Pipeline } from "../../shared/pipeline/index.ts";
import { schemaOf, type Expression, type LogicalPlan } from "../../shared/plan/index.ts";
import { MemoryEventHub, type EventHubReader, type HubEvent } from "../../shared/sources/index.ts";
import { MemoryStore, type ObjectStore } from "../../shared/storage/index.ts";
import { TableCatalog, type DeltaTable } from "../../shared/table/index.ts";

/** The time at which every test begins. */
export const startMs = Date.parse("2026-03-01T00:00:00Z");
const arrivalStepMs = 300_000;

/** DuckDB and a folder of its own; shared by the tests of a file. */
export class EngineBench implements AsyncDisposable {
  readonly compute: Compute;
  readonly checkpoints: CheckpointFiles;
  readonly directory: string;

  private constructor(compute: DuckDbCompute, directory: string) {
    this.compute = compute;
    this.checkpoints = compute.checkpoints;
    this.directory = directory;
  }

  /** The names of files come from `random`. */
  static async open(random: Random = seededRandom(Date.parse("2026-01-01T00:00:00Z"))): Promise<EngineBench> {
    const directory = await mkdtemp(join(tmpdir(), "dyne-engine-"));
    const settings = { directory, memoryLimitMb: 512, threads: 1, cacheBytes: 64 * 1024 * 1024 };
    return new EngineBench(await DuckDbCompute.open(settings, random), directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.compute.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A body to send: text, bytes, or a value that becomes JSON. */
export type Body = string | Uint8Array | object;

/** What a world computes with. Without `checkpoints` none are written. */
export type Bench = Pick<EngineBench, "compute" | "directory"> & Partial<Pick<EngineBench, "checkpoints">>;

export interface WorldOptions {
  readonly bench: Bench;
  readonly pipeline: Pipeline;
  readonly seed?: number;
  /** Makes what the engine sees of a store; the test itself sees the store as it is. */
  readonly wrap?: Wrap;
  /** Makes what the engine sees of the hub. */
  readonly wrapHub?: (hub: EventHubReader) => EventHubReader;
  /** Folds progress into this table, by its path in the lake. */
  readonly progressPath?: string;
  /** What is so little that views of it are computed in full; nothing where it is left out. */
  readonly smallInput?: EngineContext["smallInput"];
}

export type Wrap = (store: ObjectStore, root: "host" | "lake") => ObjectStore;

/** Where a world keeps what survives an instance. */
export interface Estate {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly host: ObjectStore;
  readonly lake: ObjectStore;
  readonly hub: MemoryEventHub;
  /** Events that were sent to the hub. */
  arrivals: number;
}

/** An empty estate: nothing landed, a hub with two partitions. */
export function newEstate(seed = 1): Estate {
  const clock = new VirtualClock(startMs);
  const random = seededRandom(seed);
  const hub = new MemoryEventHub("events", 2, BigInt(startMs - 86_400_000) * 1000n);
  return {
    clock,
    random,
    hub,
    arrivals: 0,
    host: new MemoryStore({ clock, random }),
    lake: new MemoryStore({ clock, random }),
  };
}

/** What the logger was told, for tests of warnings. */
export interface LogLine {
  readonly level: "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class EngineWorld {
  readonly estate: Estate;
  readonly pipeline: Pipeline;
  readonly rings: { readonly flow: string; readonly delayMs: number }[] = [];
  readonly lines: LogLine[] = [];
  readonly #bench: Bench;
  readonly #hub: EventHubReader;
  readonly #progressPath: string | undefined;
  readonly #smallInput: EngineContext["smallInput"];
  #wrap: Wrap;
  #engine: Engine;

  constructor(
    {
      bench,
      pipeline,
      seed = 1,
      wrap = (store) => store,
      wrapHub = (hub) => hub,
      progressPath,
      smallInput,
    }: WorldOptions,
    estate: Estate = newEstate(seed),
  ) {
    this.#bench = bench;
    this.#hub = wrapHub(estate.hub);
    this.#wrap = wrap;
    this.#progressPath = progressPath;
    this.#smallInput = smallInput;
    this.estate = estate;
    this.pipeline = pipeline;
    this.#engine = this.#start();
  }

  get engine(): Engine {
    return this.#engine;
  }

  get clock(): VirtualClock {
    return this.estate.clock;
  }

  get compute(): Compute {
    return this.#bench.compute;
  }

  /** The flows by name, as the engine sees them. */
  flow(name: string): DeclaredFlow {
    const flow = declaredFlows(this.pipeline).find(({ id }) => id === name);
    if (flow === undefined) throw new Error(`no flow ${name}`);
    return flow;
  }

  /** What engines and their helpers are given; `tables` is new at every call. */
  context(wrap: Wrap = this.#wrap): EngineContext {
    const { clock, random } = this.estate;
    const note =
      (level: LogLine["level"]) =>
      (message: string, fields: LogLine["fields"] = {}) =>
        void this.lines.push({ level, message, fields });
    const logger = { ...silentLogger, warn: note("warn"), error: note("error") };
    const stores = { host: wrap(this.estate.host, "host"), lake: wrap(this.estate.lake, "lake") };
    return {
      pipeline: this.pipeline.name,
      ...stores,
      compute: this.#bench.compute,
      hubs: this.#hub,
      tables: new TableCatalog(stores, {
        clock,
        random,
        logger,
        checkpointReader: this.#bench.checkpoints,
        checkpointWriter: this.#bench.checkpoints,
      }),
      doorbells: { ring: async (flow, delayMs) => void this.rings.push({ flow, delayMs }) },
      clock,
      random,
      logger,
      workDirectory: join(this.#bench.directory, "work"),
      progressPath: this.#progressPath,
      smallInput: this.#smallInput,
    };
  }

  #start(): Engine {
    return new Engine(this.context(), declaredFlows(this.pipeline));
  }

  /** Appends events to a partition and returns them as the trigger would deliver them. The hub's n-th event arrives 5·n minutes after the start. */
  send(partition: string, bodies: readonly Body[], properties?: Record<string, unknown>): HubEvent[] {
    return bodies.flatMap((body) => {
      const enqueuedTimeUs = BigInt(startMs + this.estate.arrivals++ * arrivalStepMs) * 1000n;
      const event = { body: bytesOf(body), enqueuedTimeUs, ...(properties === undefined ? {} : { properties }) };
      return this.estate.hub.send(partition, [event]);
    });
  }

  /** Puts a file into landing, without telling the engine. */
  async land(path: string, text: string): Promise<void> {
    await this.estate.lake.put(path, new TextEncoder().encode(text));
  }

  /** Another instance in the place of this one, which is simply forgotten; its leases have run out. */
  restart(wrap: Wrap = (store) => store): void {
    this.#wrap = wrap;
    this.clock.advance(2 * limits.leaseSeconds * 1_000);
    this.#engine = this.#start();
  }

  /** Sweeps until nothing is left to do. Throws where there is still something after `sweepsMax`. */
  async quiet(sweepsMax = 100): Promise<void> {
    let before = -1;
    for (let sweep = 1; sweep <= sweepsMax; sweep++) {
      await this.#engine.sweep();
      const after = (await this.hostPaths()).filter((path) => path.includes("/commits/")).length;
      if (after === before) return;
      before = after;
    }
    throw new Error(`stuck: there is still something to do after ${sweepsMax} sweeps`);
  }

  async hostPaths(): Promise<string[]> {
    const paths: string[] = [];
    for await (const { path } of this.estate.host.list("checkpoints/")) paths.push(path);
    return paths;
  }

  /** A table as it stands, read from the log anew. */
  table(path: string, root: "host" | "lake" = "lake"): DeltaTable {
    return this.context((store) => store).tables.open(root, path);
  }

  /** A table's rows, sorted, without the columns that say when a batch ran. Empty where there is no table yet. */
  async rows(
    name: string,
    { quarantine = false, version }: { quarantine?: boolean; version?: number } = {},
  ): Promise<Row[]> {
    const table = this.table(tablePath(name, quarantine ? "quarantine" : "lake"));
    const snapshot = version === undefined ? await table.find() : await table.at(version);
    if (snapshot === undefined) return [];
    const scan: LogicalPlan = { kind: "scan", source: "t", schema: snapshot.schema, streaming: false };
    return this.query(scan, { t: table.fileSet(snapshot) });
  }

  /** The rows of a plan run as a batch query, sorted, without the columns that say when a batch ran. */
  async query(plan: LogicalPlan, inputs: Readonly<Record<string, ComputeInput>>): Promise<Row[]> {
    const names = Object.keys(schemaOf(plan).fields).filter((name) => !auditColumns.has(name));
    const args = names.flatMap((name): Expression[] => [
      { kind: "literal", value: name, type: { kind: "string" } },
      { kind: "column", name },
    ]);
    const row: Expression = { kind: "call", name: "to_json", args: [{ kind: "call", name: "named_struct", args }] };
    const result = await this.compute.run({
      name: "test",
      inputs,
      steps: [],
      writes: [],
      collects: [
        {
          name: "rows",
          rowsMax: 1_000_000,
          plan: { kind: "project", input: plan, columns: [{ name: "row", expression: row }] },
        },
      ],
      parameters: {},
    });
    if (result.kind === "pending") throw new Error("pending");
    return sorted((result.collected["rows"] ?? []).map((collected) => JSON.parse(String(collected["row"])) as Row));
  }

  /** The rows of every table and every quarantine, by name. */
  async everything(): Promise<Tables> {
    const all: Record<string, Row[]> = {};
    for (const flow of declaredFlows(this.pipeline)) {
      all[flow.output.name] = await this.rows(flow.output.name);
      if ("quarantine" in flow)
        all[`${flow.output.name} (quarantine)`] = await this.rows(flow.output.name, { quarantine: true });
    }
    return all;
  }

  /** A record of a flow's checkpoint as it lies there; undefined where there is none. */
  async record(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const object = await this.estate.host.get(path);
    return object && (JSON.parse(new TextDecoder().decode(object.bytes)) as Record<string, unknown>);
  }

  /** A flow's state; what failed a generation before the newest is over. */
  async stateOf(flow: string): Promise<string> {
    const { id } = this.flow(flow);
    const record = await this.record(layout.state(id));
    const failed = (record?.["failure"] as { readonly generation?: number } | null | undefined)?.generation;
    const newest = (await this.hostPaths()).filter((path) => path.startsWith(layout.generations(id))).length;
    return failed !== undefined && failed < newest ? "RUNNING" : String(record?.["state"] ?? "RUNNING");
  }
}

export type Row = Readonly<Record<string, unknown>>;
export type Tables = Readonly<Record<string, readonly Row[]>>;

/** All tables and quarantines, without the etags and times of landed files, which differ from run to run. */
export async function tablesOf(world: EngineWorld): Promise<Tables> {
  const own = (row: Row): Row =>
    Object.fromEntries(
      Object.entries(row).filter(([name]) => !name.startsWith("file_etag") && name !== "file_modification_time"),
    );
  const tables = await world.everything();
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.map(own)]));
}

/** Rows in the order in which they are compared. */
export function sorted(rows: readonly Row[]): Row[] {
  return rows
    .map((row) => JSON.stringify(row))
    .sort()
    .map((text) => JSON.parse(text) as Row);
}

/** They differ from run to run, or with the cut of batches, or are not the query's. */
const auditColumns = new Set(["ingestion_timestamp", "ingestion_date", "batch_id", placeColumn]);

const encoder = new TextEncoder();

/** What lies in a hub for a body. */
export function bytesOf(body: Body): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return encoder.encode(typeof body === "string" ? body : JSON.stringify(body));
}
