/** DuckDB with a folder of its own and an object store in memory, for tests of what computes. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DuckDbCompute,
  type Compute,
  type ComputeJob,
  type DuckDbSettings,
  type Row,
  type RowSet,
  type RowValue,
} from "../../shared/compute/index.ts";
import { ManualClock, seededRandom, systemRandom } from "../../shared/core/index.ts";
import type { DataType, LogicalPlan, Schema } from "../../shared/plan/index.ts";
import { MemoryStore } from "../../shared/storage/index.ts";

export interface ComputeUnderTest extends AsyncDisposable {
  readonly compute: Compute;
  readonly store: MemoryStore;
  readonly folder: string;
  /** Paths of local files below the compute's folder, sorted; those of the cache by the folder alone. */
  localFiles(): Promise<readonly string[]>;
}

export async function openCompute(settings: Partial<DuckDbSettings> = {}): Promise<ComputeUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "dyne-compute-"));
  const compute = await DuckDbCompute.open(
    { directory: folder, memoryLimitMb: 512, threads: 2, cacheBytes: 64 * 1024 * 1024, ...settings },
    systemRandom,
  );
  const store = new MemoryStore({ clock: new ManualClock(1_700_000_000_000), random: seededRandom(1) });
  return {
    compute,
    store,
    folder,
    localFiles: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .sort();
    },
    async [Symbol.asyncDispose]() {
      await compute.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const schemaOf = (types: Readonly<Record<string, DataType>>): Schema => ({
  kind: "struct",
  fields: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, nullable: true }])),
});

/** Columns of values as an input. */
export function rowSet(
  types: Readonly<Record<string, DataType>>,
  columns: Readonly<Record<string, readonly RowValue[]>>,
): RowSet {
  return { kind: "rows", schema: schemaOf(types), columns, rowCount: Object.values(columns)[0]?.length ?? 0 };
}

export const scan = (source: string, schema: Schema): LogicalPlan => ({
  kind: "scan",
  source,
  schema,
  streaming: false,
});

/** A job of these parts. */
export function jobOf(parts: Partial<ComputeJob>): ComputeJob {
  return { name: "test", inputs: {}, steps: [], writes: [], collects: [], parameters: {}, ...parts };
}

/** Runs a job to its end. */
export async function done(compute: Compute, parts: Partial<ComputeJob>) {
  const result = await compute.run(jobOf(parts));
  if (result.kind !== "done") throw new Error(`the job is ${result.kind}`);
  return result;
}

/** The rows of a plan over inputs. */
export async function rowsOf(
  compute: Compute,
  inputs: ComputeJob["inputs"],
  plan: LogicalPlan,
): Promise<readonly Row[]> {
  const { collected } = await done(compute, { inputs, collects: [{ name: "rows", plan, rowsMax: 1_000_000 }] });
  return collected["rows"] ?? [];
}
