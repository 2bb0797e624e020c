/** Maintenance at any moment, however short the logs are: as an instance would do it whose limits are as low as the retentions allow. */
import { FlowLog, LaneLog, type RecordContext } from "../../shared/checkpoint/index.ts";
import { generation, laneId, limits } from "../../shared/core/index.ts";
import { cleanLog, stateAt, writeCheckpoint } from "../../shared/delta/index.ts";
import { declaredFlows, type DeclaredFlow } from "../../shared/engine/index.ts";
import { neededFrom, type TableReader } from "../../shared/engine/readers.ts";
import type { EngineWorld } from "./engine-harness.ts";

/** Checkpoints every table of every flow and cleans its log as far as its readers let it. Returns the entries that were deleted. */
export async function tidyLogs(world: EngineWorld): Promise<number> {
  const { host: store, clock, random } = world.estate;
  const records = { store, clock, random };
  let deleted = 0;
  for (const { id: flow } of declaredFlows(world.pipeline)) {
    const newest = (await new FlowLog(records, flow).generations()).at(-1);
    for (const [role, { root, path }] of Object.entries(newest?.tables ?? {})) {
      const { log } = world.table(path, root);
      const isState = role.startsWith("state:");
      const needed = isState
        ? ((await new LaneLog(records, flow, generation(newest!.generation), laneId("0")).head()).lastCommit?.tables[
            role
          ]?.version ?? -1)
        : (await world.table(path, root).latest()).version;
      if (needed < 1) continue;
      const state = await stateAt(log, needed);
      await writeCheckpoint(log, { ...state, tombstones: [] });
      deleted += await cleanLog(log, {
        keptMs: limits.privateRetentionMs,
        neededFrom: async () => (isState ? needed : neededFrom(records, await readersOf(world, records, path))),
        lagMaxMs: Number.POSITIVE_INFINITY,
      });
    }
  }
  return deleted;
}

async function readersOf(world: EngineWorld, records: RecordContext, path: string): Promise<TableReader[]> {
  const readers: TableReader[] = [];
  for (const declared of declaredFlows(world.pipeline)) {
    const table = inputsOf(declared).find((input) => input.path === path);
    if (table === undefined) continue;
    const lanes = new Set(["0"]);
    for await (const entry of records.store.list(`checkpoints/${declared.id}/`)) {
      const lane = /^checkpoints\/[^/]+\/\d+\/(\d+)\//.exec(entry.path)?.[1];
      if (lane !== undefined) lanes.add(lane);
    }
    readers.push({ driver: { flow: declared.id, lanes: async () => [...lanes].map(laneId) }, table: table.name });
  }
  return readers;
}

function inputsOf(flow: DeclaredFlow): readonly { readonly name: string; readonly path: string }[] {
  if (flow.kind === "view") return flow.inputs;
  return flow.kind === "stream" ? [flow.stream, ...flow.statics] : [];
}
