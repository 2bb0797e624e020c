/** A table's log with files of every kind written by hand, and what is asked of the store while it is read. */
import { paddedNumber, type Logger } from "../../../shared/core/index.ts";
import {
  commit,
  commitPath,
  logFolder,
  type Action,
  type DeltaLog,
  type Snapshot,
} from "../../../shared/delta/index.ts";
import { jsonCheckpoints } from "../../support/json-checkpoints.ts";
import { append, newTable, remove, type TableUnderTest } from "./table-under-test.ts";

export interface LogUnderTest extends TableUnderTest {
  readonly log: DeltaLog;
  /** The snapshot of each version. */
  readonly versions: readonly Snapshot[];
  /** What was logged as a warning. */
  readonly warnings: string[];
}

/** Version n adds the file n, and every third one removes the file n − 2; a minute lies between two. */
export async function logOf(
  count: number,
  configuration: Readonly<Record<string, string>> = {},
): Promise<LogUnderTest> {
  const under = await newTable(1, { configuration });
  const warnings: string[] = [];
  const logger: Logger = { ...under.log.logger, warn: (message) => void warnings.push(message) };
  const log = { ...under.log, logger, checkpointReader: jsonCheckpoints };
  const versions = [under.base];
  for (let version = 1; version <= count; version++) {
    under.clock.advance(60_000);
    const base = versions.at(-1)!;
    const removed = version % 3 === 0 ? [remove(`${version - 2}`)] : [];
    const fences = [{ appId: `lane ${version % 2}`, version, expected: version <= 2 ? undefined : version - 2 }];
    const request = append(base, `${version}`);
    const actions = [...request.actions, ...removed];
    versions.push((await commit(log, { ...request, actions, isBlindAppend: false, fences })).snapshot);
  }
  under.asked.length = 0;
  return { ...under, log, versions, warnings };
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export async function put(log: DeltaLog, name: string, text: string): Promise<void> {
  await log.store.put(`${logFolder(log)}/${name}`, bytesOf(text));
}

export async function deleteCommits(log: DeltaLog, first: number, last: number): Promise<void> {
  for (let version = first; version <= last; version++) await log.store.delete(commitPath(log, version));
}

/** What a checkpoint of a snapshot holds, its files apart. */
export function contentOf(snapshot: Snapshot): {
  readonly others: readonly Action[];
  readonly files: readonly Action[];
} {
  return {
    others: [
      { protocol: snapshot.protocol },
      { metaData: snapshot.metadata },
      ...[...snapshot.txns].map(([appId, version]) => ({ txn: { appId, version } })),
    ],
    files: [...[...snapshot.files].map((file) => ({ add: file })), { remove: { path: "tombstone", dataChange: true } }],
  };
}

export const lines = (actions: readonly unknown[]): string =>
  actions.map((action) => `${JSON.stringify(action)}\n`).join("");

export const uuids: readonly [string, string] = [
  "80a083e8-7026-4e79-81be-64bd76c43a11",
  "0b000000-7026-4e79-81be-64bd76c43a11",
];

/** A V2 checkpoint whose files are in sidecars, one file in each; its own file as JSON, or as the reader of Parquet takes it. */
export async function putV2Checkpoint(
  log: DeltaLog,
  snapshot: Snapshot,
  { ending = "json", uuid = uuids[0], sidecarsBy = (name: string): string => name } = {},
): Promise<void> {
  const { others, files } = contentOf(snapshot);
  const sidecars = files.map((file, index) => ({ name: `${snapshot.version}-${index}.parquet`, file }));
  for (const { name, file } of sidecars) await put(log, `_sidecars/${name}`, JSON.stringify([file]));
  const top = [
    { checkpointMetadata: { version: snapshot.version } },
    ...others,
    ...sidecars.map(({ name }) => ({ sidecar: { path: sidecarsBy(name), sizeInBytes: 1, modificationTime: 1 } })),
  ];
  const name = `${paddedNumber(snapshot.version)}.checkpoint.${uuid}.${ending}`;
  await put(log, name, ending === "json" ? lines(top) : JSON.stringify(top));
}

/** A classic checkpoint. */
export async function putClassicCheckpoint(log: DeltaLog, snapshot: Snapshot): Promise<void> {
  const { others, files } = contentOf(snapshot);
  await put(log, `${paddedNumber(snapshot.version)}.checkpoint.parquet`, JSON.stringify([...others, ...files]));
}

/** What the commits of a range come to, by reconciliation. */
export async function putCompaction(log: DeltaLog, first: number, last: number): Promise<void> {
  const txns = new Map<string, unknown>();
  const files = new Map<string, unknown>();
  const others = new Map<string, unknown>();
  for (let version = first; version <= last; version++) {
    const stored = await log.store.get(commitPath(log, version));
    for (const line of new TextDecoder().decode(stored?.bytes).split("\n")) {
      if (line === "") continue;
      const action = JSON.parse(line) as Record<string, Record<string, unknown>>;
      const [kind, value] = Object.entries(action)[0]!;
      if (kind === "txn") txns.set(String(value["appId"]), action);
      else if (kind === "add" || kind === "remove") files.set(String(value["path"]), action);
      else if (kind !== "commitInfo") others.set(kind, action);
    }
  }
  const all = [...others.values(), ...txns.values(), ...files.values()];
  await put(log, `${paddedNumber(first)}.${paddedNumber(last)}.compacted.json`, lines(all));
}
