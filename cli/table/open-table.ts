/** What commands on a table begin with: which table, in what form to print, and who computes. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, parse, relative, resolve, sep } from "node:path";
import { Option, type Command } from "commander";
import { pipelines } from "../../pipelines/index.ts";
import { DyneError, silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { DuckDbCompute, transientCheckpoints, type Compute } from "../../shared/compute/index.ts";
import { manifest, tablePath } from "../../shared/pipeline/index.ts";
import { FileStore, type ObjectStore } from "../../shared/storage/index.ts";
import { DeltaTable } from "../../shared/table/index.ts";
import { openLocalStorage } from "../../local/platform/index.ts";
import type { Format } from "../print.ts";

/** The options of every command that looks into one table. */
export interface TableOptions {
  readonly data: string;
  readonly format: Format;
  readonly clonedFrom?: readonly string[];
}

/** Adds the argument that names the table, and the options of `TableOptions`. */
export function withTableOptions(command: Command): Command {
  return command
    .argument("<path-or-name>", "a table's name, such as silver.flights, or the path of a folder with a _delta_log")
    .option("--data <folder>", "the data folder of a local run", ".dyne/dev")
    .option(
      "--cloned-from <folder>",
      "of a shallow clone in a folder: that of the table it is a clone of; may be repeated",
      foldersOf,
    )
    .addOption(
      new Option("--format <format>", "one JSON object per line, or a table to look at")
        .choices(["ndjson", "table"])
        .default("table"),
    )
    .addOption(new Option("--json", "the same as --format ndjson").implies({ format: "ndjson" }));
}

function foldersOf(folder: string, before: readonly string[] = []): readonly string[] {
  return [...before, folder];
}

/**
 * Opens a table by the path of a local folder, or by its name in a data folder, for as long as it is used. Throws TABLE_NOT_FOUND for one that
 * has no data yet, INVALID_ARGUMENT for a name that is none, and for one of a data folder with `clonedFrom`.
 */
export async function withTable(
  name: string,
  { data, clonedFrom }: Pick<TableOptions, "data" | "clonedFrom">,
  use: (table: DeltaTable) => Promise<void>,
): Promise<void> {
  const folder = resolve(name);
  if (existsSync(folder)) return use(new DeltaTable({ ...placeOf(folder, clonedFrom), ...services }));
  assertNoClone(name, clonedFrom);
  await using storage = await openLocalStorage(resolve(data), services);
  return await use(await tableNamed(storage.lake, name, data));
}

/** Throws INVALID_ARGUMENT where a table of a data folder is said to be a clone: those never are. */
export function assertNoClone(name: string, clonedFrom: readonly string[] | undefined): void {
  if (clonedFrom === undefined) return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `--cloned-from is for tables in folders, and there is no folder ${name}. Check the path, or leave the option out.`,
  );
}

/** A clone and what it was made of may be anywhere: then the store is the whole file system. */
function placeOf(folder: string, clonedFrom: readonly string[] | undefined) {
  if (clonedFrom === undefined) return { store: new FileStore(dirname(folder), services), path: basename(folder) };
  const { root } = parse(folder);
  const pathOf = (each: string): string => relative(root, resolve(each)).split(sep).join("/");
  return { store: new FileStore(root, services), path: pathOf(folder), clonedFrom: clonedFrom.map(pathOf) };
}

/** The table of a name in the lake of a data folder; `quarantine/…` is that of a table. Throws as `withTable`. */
export async function tableNamed(lake: ObjectStore, name: string, data: string): Promise<DeltaTable> {
  const quarantined = /^quarantine\/(.+)$/.exec(name);
  const path =
    quarantined === null ? tablePath(name) : tablePath((quarantined[1] ?? "").replace("/", "."), "quarantine");
  const table = new DeltaTable({ store: lake, path, ...services });
  if ((await table.find()) === undefined) throw noSuchTable(name, data);
  return table;
}

const services = {
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  checkpointReader: transientCheckpoints(),
};

/** Opens a compute with a folder of its own, for as long as it is used. */
export async function withCompute(use: (compute: Compute) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "dyne-read-"));
  try {
    const compute = await DuckDbCompute.open(
      { directory, memoryLimitMb: 1_000, threads: 2, cacheBytes: 256 * 1024 * 1024 },
      systemRandom,
    );
    try {
      await use(compute);
    } finally {
      await compute.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function noSuchTable(name: string, data: string): DyneError {
  const declared = pipelines.flatMap((pipeline) => manifest(pipeline).tables.map((table) => table.name));
  return declared.includes(name)
    ? new DyneError("TABLE_NOT_FOUND", `${name} has no data in ${data} yet. Let its flow run first.`)
    : new DyneError(
        "INVALID_ARGUMENT",
        `There is no table "${name}" in ${data}. Choose one of ${declared.join(", ")}, or name a folder.`,
      );
}
