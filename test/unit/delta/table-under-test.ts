import { seededRandom, silentLogger, type Random } from "../../../shared/core/index.ts";
import {
  createTable,
  type Action,
  type AddFile,
  type CommitRequest,
  type DeltaLog,
  type Snapshot,
  type TableDefinition,
} from "../../../shared/delta/index.ts";
import { MemoryStore, type ObjectStore } from "../../../shared/storage/index.ts";
import { FaultyStore, type StoreOperation } from "../../support/faulty-store.ts";
import { hierarchicalStore } from "../../support/hierarchical-account.ts";
import { InstantClock } from "../../support/instant-clock.ts";

export const idSchema: TableDefinition["schema"] = {
  kind: "struct",
  fields: { id: { type: { kind: "long" }, nullable: true }, day: { type: { kind: "date" }, nullable: true } },
};

export function add(path: string, fields: Partial<AddFile> = {}): Action {
  return { add: { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true, ...fields } };
}

export function remove(path: string, dataChange = true): Action {
  return { remove: { path, deletionTimestamp: 0, dataChange } };
}

export function append(base: Snapshot, ...paths: readonly string[]): CommitRequest {
  return { base, actions: paths.map((path) => add(path)), isBlindAppend: true, operation: "WRITE" };
}

export function pathsOf(snapshot: Snapshot): readonly string[] {
  return [...snapshot.files].map(({ path }) => path).sort();
}

/** `STORE=hierarchical` puts every table of these tests into an account with hierarchical namespace. */
const isHierarchical = process.env["STORE"] === "hierarchical";

/** A log over memory that counts what is asked of the store. */
export interface TableUnderTest {
  readonly log: DeltaLog;
  readonly memory: ObjectStore;
  readonly clock: InstantClock;
  readonly random: Random;
  /** What was asked, in order. */
  readonly asked: StoreOperation[];
  /** The same table over another store. */
  readonly over: (store: ObjectStore) => DeltaLog;
}

export function tableUnderTest(seed = 1): TableUnderTest {
  const clock = new InstantClock(1_700_000_000_000);
  const random = seededRandom(seed);
  const files = new MemoryStore({ clock, random });
  const memory = isHierarchical ? hierarchicalStore(files) : files;
  const asked: StoreOperation[] = [];
  const counting = new FaultyStore(memory, { random, before: (operation) => void asked.push(operation) });
  const over = (store: ObjectStore): DeltaLog => ({
    store,
    path: "lake/silver/events",
    clock,
    random,
    logger: silentLogger,
  });
  return { log: over(counting), memory, clock, random, asked, over };
}

/** A new table of `idSchema`, and its version 0. */
export async function newTable(
  seed = 1,
  definition: Partial<TableDefinition> = {},
): Promise<TableUnderTest & { readonly base: Snapshot }> {
  const under = tableUnderTest(seed);
  const { snapshot } = await createTable(under.log, { schema: idSchema, ...definition });
  under.asked.length = 0;
  return { ...under, base: snapshot };
}
