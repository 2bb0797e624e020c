/**
 * One event hub on disk: its partitions, and when it was created. Creation time is the hub's identity: a folder that is
 * deleted and made again is another hub, with sequence numbers from 0.
 *
 *     <directory>/<hub>/hub.json          {"format":1,"name":"flights","createdAtMs":1767225600000,"partitions":4}
 *     <directory>/<hub>/<partition>/…     segments, see segment.ts
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../../shared/core/clock.ts";
import { DyneError } from "../../shared/core/errors.ts";
import type { Logger } from "../../shared/core/logger.ts";
import { PartitionLog } from "./partition-log.ts";
import { partitionOf } from "./partition-hash.ts";

/** What a hub is made of. */
export interface HubSettings {
  /** May be raised later, never lowered. */
  readonly partitions: number;
  /** `$Default` exists besides these. Names are compared without regard to case. */
  readonly consumerGroups: readonly string[];
  /** Bytes kept per partition; 4 GiB by default. */
  readonly retentionBytes?: number | undefined;
  /** How long events are kept; 7 days by default. */
  readonly retentionMs?: number | undefined;
}

const hubRecord = z.object({
  format: z.literal(1),
  name: z.string(),
  createdAtMs: z.number(),
  partitions: z.number().int().positive(),
});

const partitionsMax = 1_024;

export class Hub {
  readonly name: string;
  readonly createdAtMs: number;
  readonly partitions: readonly PartitionLog[];
  readonly #groups: ReadonlySet<string>;
  #nextPartition = 0;

  private constructor(
    name: string,
    createdAtMs: number,
    partitions: readonly PartitionLog[],
    groups: readonly string[],
  ) {
    this.name = name;
    this.createdAtMs = createdAtMs;
    this.partitions = partitions;
    this.#groups = new Set(["$default", ...groups.map((group) => group.toLowerCase())]);
  }

  /** Opens a hub's folder, or creates the hub. Throws `INVALID_SETTING` for a name or partition count that cannot be. */
  static open(
    directory: string,
    name: string,
    settings: HubSettings,
    { clock, logger }: { clock: Clock; logger: Logger },
  ): Hub {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(name)) {
      throw new DyneError(
        "INVALID_SETTING",
        `"${name}" cannot be the name of a hub. Use letters, digits, ".", "-" and "_".`,
      );
    }
    if (!Number.isInteger(settings.partitions) || settings.partitions < 1 || settings.partitions > partitionsMax) {
      throw new DyneError(
        "INVALID_SETTING",
        `The hub "${name}" cannot have ${settings.partitions} partitions. Use 1 to ${partitionsMax}.`,
      );
    }
    const folder = join(directory, name);
    mkdirSync(folder, { recursive: true });
    const createdAtMs = writeRecord(folder, name, settings.partitions, clock);
    const retention = {
      bytes: settings.retentionBytes ?? 4 * 1024 ** 3,
      ms: settings.retentionMs ?? 7 * 24 * 60 * 60 * 1000,
    };
    const partitions = Array.from({ length: settings.partitions }, (_, id) =>
      PartitionLog.open({ directory: join(folder, String(id)), retention, logger }),
    );
    return new Hub(name, createdAtMs, partitions, settings.consumerGroups);
  }

  hasConsumerGroup(group: string): boolean {
    return this.#groups.has(group.toLowerCase());
  }

  /** Where a publish goes that names no partition: by its key, or in turn. */
  choosePartition(partitionKey: string | undefined): number {
    if (partitionKey !== undefined) return partitionOf(partitionKey, this.partitions.length);
    return this.#nextPartition++ % this.partitions.length;
  }

  close(): void {
    for (const partition of this.partitions) partition.close();
  }
}

/** Makes or updates `hub.json` and returns the creation time. */
function writeRecord(folder: string, name: string, partitions: number, clock: Clock): number {
  const path = join(folder, "hub.json");
  const known = readRecord(path);
  if (known && known.partitions > partitions) {
    throw new DyneError(
      "INVALID_SETTING",
      `The hub "${name}" has ${known.partitions} partitions, which cannot become ${partitions}. Use a fresh folder.`,
    );
  }
  if (known?.partitions === partitions) return known.createdAtMs;
  const record = { format: 1, name, createdAtMs: known?.createdAtMs ?? clock.nowMs(), partitions };
  writeFileSync(`${path}.new`, JSON.stringify(record));
  renameSync(`${path}.new`, path);
  return record.createdAtMs;
}

function readRecord(path: string): z.infer<typeof hubRecord> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    return hubRecord.parse(JSON.parse(text));
  } catch (cause) {
    throw new DyneError("LOG_CORRUPT", `${path} is not a hub record. Start with an empty folder.`, { cause });
  }
}
