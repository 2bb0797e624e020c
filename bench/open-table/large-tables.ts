/** Tables whose logs are long or hold many files, written as their own writers leave them. No data file is behind the names. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { transientCheckpoints } from "../../shared/compute/index.ts";
import { paddedNumber, seededRandom, systemClock } from "../../shared/core/index.ts";
import { checkpointPath, logFolder, type Action, type AddFile } from "../../shared/delta/index.ts";
import { FileStore } from "../../shared/storage/index.ts";

export interface LargeTable {
  readonly name: string;
  readonly commits: number;
  /** Active files at the last version. */
  readonly files: number;
  /** Commits after the checkpoint. */
  readonly tail: number;
}

const firstMs = 1_700_000_000_000;
const random = seededRandom(1);

/** Writes a table's log below a folder: a checkpoint, the hint to it, and every commit up to the last version. */
export async function writeLargeTable(folder: string, { name, commits, files, tail }: LargeTable): Promise<void> {
  const log = { path: `lake/${name}` };
  await mkdir(join(folder, logFolder(log)), { recursive: true });
  const store = new FileStore(folder, { clock: systemClock, random });
  const inCheckpoint = commits - tail - 1;
  for (let version = 0; version < commits; version++) {
    const actions: Action[] = [{ commitInfo: { timestamp: firstMs + version * 1_000, operation: "WRITE" } }];
    if (version === 0) actions.push(...definition);
    else actions.push({ add: fileOf(files - commits + version) });
    const text = actions.map((action) => `${JSON.stringify(action)}\n`).join("");
    await writeFile(join(folder, logFolder(log), `${paddedNumber(version)}.json`), text);
  }
  const adds = Array.from({ length: files - tail }, (_, index): Action => ({
    add: { ...fileOf(index), dataChange: false },
  }));
  const written = await transientCheckpoints().write(store, checkpointPath(log, inCheckpoint), [
    ...definition,
    ...adds,
  ]);
  const hint = { version: inCheckpoint, size: adds.length + definition.length, sizeInBytes: written.sizeBytes };
  await writeFile(join(folder, logFolder(log), "_last_checkpoint"), JSON.stringify(hint));
}

const schema = ["id long", "name string", "amount double", "at timestamp", "day date"].map((column) => {
  const [name, type] = column.split(" ");
  return { name, type, nullable: true, metadata: {} };
});

const definition: readonly Action[] = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  {
    metaData: {
      id: random.uuid(),
      format: { provider: "parquet", options: {} },
      schemaString: JSON.stringify({ type: "struct", fields: schema }),
      partitionColumns: ["day"],
      configuration: {},
      createdTime: firstMs,
    },
  },
];

/** A file as Spark names it, with statistics of four columns. */
function fileOf(index: number): AddFile {
  const day = new Date(firstMs + (index % 365) * 86_400_000).toISOString().slice(0, 10);
  const bound = (value: number): unknown => ({
    id: value,
    name: `name ${value} ${random.uuid().slice(0, 20)}`,
    amount: value / 8,
    at: new Date(firstMs + value).toISOString(),
  });
  return {
    path: `day=${day}/part-${String(index % 200).padStart(5, "0")}-${random.uuid()}.c000.snappy.parquet`,
    partitionValues: { day },
    size: 1_000_000 + index,
    modificationTime: firstMs + index,
    dataChange: true,
    stats: JSON.stringify({
      numRecords: 10_000 + (index % 100),
      minValues: bound(index * 100),
      maxValues: bound(index * 100 + 99),
      nullCount: { id: 0, name: 0, amount: 0, at: 0 },
    }),
  };
}
