/** A lakehouse in a folder of the local disk, with a real engine: what a benchmark lands events in, and rings flows of, one by one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LaneLog } from "../../shared/checkpoint/index.ts";
import { DuckDbCompute, type FileSet } from "../../shared/compute/index.ts";
import { flowId, generation, laneId, silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { declaredFlows, Engine, smallInputs, type EngineContext } from "../../shared/engine/index.ts";
import { count, tablePath, type ColumnTypes, type DataFrame, type Pipeline } from "../../shared/pipeline/index.ts";
import { scansOf } from "../../shared/plan/index.ts";
import { MemoryEventHub } from "../../shared/sources/index.ts";
import { FileStore } from "../../shared/storage/index.ts";
import { TableCatalog } from "../../shared/table/index.ts";

export interface GroundOptions {
  readonly pipeline: Pipeline;
  readonly threads: number;
  readonly memoryLimitMb: number;
}

/** What a flow's last batch did, as its record says. */
export interface LastBatch {
  readonly batchId: number;
  readonly strategy: string;
  readonly outputRows: number;
}

export class Ground implements AsyncDisposable {
  readonly #context: EngineContext;
  readonly #engines: ReadonlyMap<string, Engine>;
  readonly #compute: DuckDbCompute;
  readonly #folder: string;

  private constructor(context: EngineContext, pipeline: Pipeline, compute: DuckDbCompute, folder: string) {
    this.#context = context;
    this.#compute = compute;
    this.#folder = folder;
    // An engine for each flow: ringing one must not carry on to those that read what it wrote.
    this.#engines = new Map(declaredFlows(pipeline).map((flow) => [flow.id, new Engine(context, [flow])]));
  }

  static async open({ pipeline, threads, memoryLimitMb }: GroundOptions): Promise<Ground> {
    const folder = await mkdtemp(join(tmpdir(), "dyne-bench-"));
    const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
    const directory = join(folder, "compute");
    const compute = await DuckDbCompute.open({ directory, memoryLimitMb, threads, cacheBytes: 2 ** 30 }, systemRandom);
    const host = new FileStore(join(folder, "host"), services);
    const lake = new FileStore(join(folder, "lake"), services);
    const { checkpoints } = compute;
    const tables = new TableCatalog(
      { host, lake },
      { ...services, checkpointReader: checkpoints, checkpointWriter: checkpoints },
    );
    const context: EngineContext = {
      ...services,
      pipeline: pipeline.name,
      host,
      lake,
      compute,
      tables,
      hubs: new MemoryEventHub("none", 1, 0n),
      doorbells: { ring: async () => undefined },
      workDirectory: join(folder, "work"),
      smallInput: smallInputs,
    };
    return new Ground(context, pipeline, compute, folder);
  }

  async land(path: string, text: string): Promise<void> {
    await this.#context.lake.put(path, new TextEncoder().encode(text));
  }

  /** Runs a flow until it has nothing left to do. Throws where it has stopped. */
  async run(flow: string): Promise<void> {
    const stopped = await this.#engines.get(flow)!.runAvailable(new AbortController().signal);
    if (stopped.size > 0) throw new Error([...stopped.values()].join("\n"));
  }

  /** The last batch of a flow's first generation and only lane. */
  async lastBatch(flow: string): Promise<LastBatch> {
    const { lastCommit } = await new LaneLog(
      { ...this.#context, store: this.#context.host },
      flowId(flow),
      generation(1),
      laneId("0"),
    ).head();
    if (lastCommit === undefined) throw new Error(`${flow} has no batch`);
    const { batchId, progress } = lastCommit;
    return { batchId, strategy: progress.strategy.name, outputRows: progress.counts.outputRows };
  }

  /** How many rows a query over tables of the pipeline has, as they stand. */
  async countOf(frame: DataFrame<ColumnTypes>): Promise<number> {
    const inputs: Record<string, FileSet> = {};
    for (const { source } of scansOf(frame.plan).static) {
      const table = this.#context.tables.open("lake", tablePath(source));
      inputs[source] = table.fileSet(await table.latest());
    }
    const plan = frame.groupBy().agg(() => ({ rows: count() })).plan;
    const job = { name: "count", inputs, steps: [], writes: [], parameters: {} };
    const result = await this.#compute.run({ ...job, collects: [{ name: "rows", rowsMax: 1, plan }] });
    if (result.kind === "pending") throw new Error("a count was not done");
    return Number(result.collected["rows"]?.[0]?.["rows"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#engines.values()) await engine.close();
    await this.#compute.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
