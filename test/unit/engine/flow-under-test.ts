/** A flow whose batches are only what logs and tables say of them: fast to run for long, for tests of what happens after the batches. */
import { LaneLog, layout, type CommitRecord } from "../../../shared/checkpoint/index.ts";
import { flowId, generation, instantOfMs, laneId } from "../../../shared/core/index.ts";
import { openSnapshot, removeOf, type Action, type Snapshot } from "../../../shared/delta/index.ts";
import { Maintenance, type WarmFlow } from "../../../shared/engine/maintenance.ts";
import type { TableReader } from "../../../shared/engine/readers.ts";
import type { DeltaTable } from "../../../shared/table/index.ts";
import { EngineWorld, newEstate, type Bench, type Estate, type Wrap } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { Meter } from "../../support/metered-store.ts";
import { commitOf, generationOf, offsets, outcome } from "../checkpoint/records-under-test.ts";
import { idSchema } from "../delta/table-under-test.ts";

export const flow = flowId("silver.readings");
export const lane = laneId("0");
export const pipeline = engineFixture({ readingsOnly: true });
export const sinkPath = "lake/silver/readings";
export const statePath = layout.stateTable(flow, generation(1), "keys");
export const minuteMs = 60_000;
export const never = new AbortController().signal;

/** A flow with a sink and a state, whose batches are only what the logs say of them: one a minute. */
export class FlowUnderTest {
  readonly world: EngineWorld;
  readonly log: LaneLog;
  readonly record = {
    ...generationOf(1),
    tables: {
      "state:keys": { root: "host" as const, path: statePath, tableId: "" },
      sink: { root: "lake" as const, path: sinkPath, tableId: "" },
    },
  };
  readonly meter = new Meter();
  /** Properties that the tables are created with. */
  configuration: Readonly<Record<string, string>> = {};
  batches = 0;
  commit: CommitRecord | undefined;
  #context: ReturnType<EngineWorld["context"]>;

  constructor(bench: Bench, estate: Estate = newEstate()) {
    this.world = new EngineWorld({ bench, pipeline }, estate);
    this.#context = this.world.context((store) => this.meter.of(store));
    this.log = new LaneLog({ ...this.world.estate, store: this.world.estate.host }, flow, generation(1), lane);
  }

  table(role: "sink" | "state:keys"): DeltaTable {
    const { root, path } = this.record.tables[role];
    return this.#context.tables.open(root, path);
  }

  /** The table as another instance finds it. */
  async fresh(role: "sink" | "state:keys", version?: number): Promise<Snapshot> {
    const { log } = this.table(role);
    const store = this.record.tables[role].root === "host" ? this.world.estate.host : this.world.estate.lake;
    return openSnapshot({ ...log, store }, { version });
  }

  /** Batches that add a file to each table; the state replaces all of its files from time to time. */
  async run(count: number, stepMs = minuteMs): Promise<void> {
    for (const role of ["state:keys", "sink"] as const)
      await this.table(role).createIfAbsent({ schema: idSchema, partitionBy: [], configuration: this.configuration });
    for (let i = 0; i < count; i++) {
      this.world.clock.advance(stepMs);
      const batch = ++this.batches;
      const state = await this.#commit("state:keys", batch % 16 === 0);
      const sink = await this.#commit("sink", false);
      await this.log.putOffsets({ ...offsets(batch), flow, lane });
      await this.log.putOutcome({ ...outcome(batch), flow, lane });
      this.commit = {
        ...commitOf(batch),
        flow,
        lane,
        committedTime: instantOfMs(this.world.clock.nowMs()),
        tables: {
          "state:keys": { tableId: "", version: state, txn: null },
          sink: { tableId: "", version: sink, txn: null },
        },
      };
      await this.log.putCommit(this.commit);
    }
  }

  async #commit(role: "sink" | "state:keys", merges: boolean): Promise<number> {
    const table = this.table(role);
    const path = `part-${role === "sink" ? "s" : "k"}${this.batches}.parquet`;
    const store = role === "sink" ? this.world.estate.lake : this.world.estate.host;
    await store.put(`${table.path}/${path}`, new Uint8Array([1]));
    const nowMs = this.world.clock.nowMs();
    const add = { path, partitionValues: {}, size: 1, modificationTime: nowMs, dataChange: true };
    const removed = merges ? [...(await table.latest()).files] : [];
    const actions: Action[] = [
      { add },
      ...removed.map((file) => ({ remove: removeOf(file, { deletionTimestampMs: nowMs }) })),
    ];
    const done = await table.commit({ actions, isBlindAppend: !merges, operation: "X" });
    if (done.kind !== "committed") throw new Error(done.kind);
    return done.version;
  }

  async warm(): Promise<WarmFlow> {
    return { generation: this.record, lanes: new Map([[lane, { log: this.log, head: await this.log.head() }]]) };
  }

  /** Maintenance by an instance that opens its tables first. */
  instance(wrap: Wrap = (store) => store): { run: Maintenance["run"] } {
    return {
      run: async (warm, signal) => {
        const context = this.world.context(wrap);
        for (const { root, path } of Object.values(this.record.tables)) await context.tables.open(root, path).latest();
        const driver = { flow, lanes: async () => [lane] } as unknown as ConstructorParameters<typeof Maintenance>[1];
        await new Maintenance(context, driver, () => []).run(warm, signal);
      },
    };
  }

  maintenance(
    readers: readonly TableReader[] = [],
    wrap: Wrap = (store) => this.meter.of(store),
    progress?: ConstructorParameters<typeof Maintenance>[3],
  ): Maintenance {
    const context = wrap === undefined ? this.#context : { ...this.world.context(wrap), tables: this.#context.tables };
    const driver = { flow, lanes: async () => [lane] } as unknown as ConstructorParameters<typeof Maintenance>[1];
    return new Maintenance(context, driver, () => readers, progress);
  }

  async maintain(maintenance = this.maintenance()): Promise<void> {
    await maintenance.run(await this.warm(), never);
  }

  async names(role: "sink" | "state:keys", what: "commits" | "checkpoints" | "files"): Promise<string[]> {
    const { root, path } = this.record.tables[role];
    const found: string[] = [];
    for await (const meta of this.world.estate[root].list(`${path}/`)) found.push(meta.path.slice(path.length + 1));
    const log = found.filter((name) => name.startsWith("_delta_log/0"));
    if (what === "files") return found.filter((name) => name.startsWith("part-"));
    return log.filter((name) => name.endsWith(".json") === (what === "commits"));
  }
}
