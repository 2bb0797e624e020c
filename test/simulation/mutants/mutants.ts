/**
 * The engine with one of its rules broken, by rule: the simulation has to notice each within so many seeds. A mutant is a list of
 * replacements rather than a diff, because a diff breaks when a neighbouring line is edited; what is to be replaced stands in its file
 * exactly once, and the hunt fails where it does not, so that no mutant is lost in silence.
 */
import type { Shape } from "../shapes.ts";

export interface Mutant {
  /** The invariant of SPEC.md that is broken. */
  readonly rule: number;
  readonly name: string;
  /** Schedules of these shapes are played; of all where absent. */
  readonly shapes?: readonly Shape[];
  /** So many of them at most. */
  readonly seedsMax: number;
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const laneRunner = "shared/engine/lane-runner.ts";
const laneLog = "shared/checkpoint/lane-log.ts";
const rollForward = "shared/engine/roll-forward.ts";
const handOver = "shared/engine/hand-over.ts";
const swap = "shared/engine/swap.ts";
const streamDriver = "shared/engine/drivers/stream-driver.ts";
const filesDriver = "shared/engine/drivers/files-driver.ts";
const hubDriver = "shared/engine/drivers/hub-driver.ts";
const hubReplay = "shared/engine/drivers/hub-replay.ts";
const viewInputs = "shared/engine/incremental/view-inputs.ts";
const streamingJob = "shared/engine/incremental/streaming-job.ts";
const judgedRows = "shared/engine/incremental/judged-rows.ts";
const verifiedPut = "shared/storage/verified-put.ts";
const fence = "fences: [fence],";
const isFresh = 'call("is_null", column("__reason"))';
const reasonIs = (reason: string): string =>
  `call("eq", column("__reason"), { kind: "literal", value: "${reason}", type: { kind: "string" } })`;

export const mutants: readonly Mutant[] = [
  {
    rule: 1,
    name: "who loses the outcome goes on with its own",
    shapes: ["silver", "joined", "gold", "lanes"],
    seedsMax: 400,
    edits: [
      { file: laneRunner, find: "    if (!put.mine) await this.#discard(batch, computed);\n", replace: "" },
      {
        file: laneRunner,
        find: "return put.record;",
        replace: "return { ...put.record, tables: [...computed.tables], watermark: computed.watermark };",
      },
    ],
  },
  {
    rule: 1,
    name: "the outcome is logged after the tables are committed, and a re-run sees the latest state",
    shapes: ["silver", "joined", "gold"],
    seedsMax: 150,
    edits: [
      {
        file: laneLog,
        find: "  putOutcome(record: OutcomeRecord) {\n",
        replace:
          "  #kept: OutcomeRecord | undefined;\n\n  putOutcome(record: OutcomeRecord, now = record.redo > 0) {\n    this.#kept = record;\n    if (!now) return Promise.resolve({ mine: true, record });\n",
      },
      {
        file: laneLog,
        find: "  putCommit(record: CommitRecord) {\n",
        replace:
          "  async putCommit(record: CommitRecord) {\n    if (this.#kept?.batchId === record.batchId) await this.putOutcome(this.#kept, true);\n",
      },
      {
        file: streamDriver,
        find: "const version = batch.lastCommit?.tables[role]?.version ?? -1;",
        replace: "const { version } = await table.latest();",
      },
    ],
  },
  {
    rule: 2,
    name: "no table is fenced",
    seedsMax: 150,
    edits: [{ file: rollForward, find: fence, replace: "fences: [fence].slice(1)," }],
  },
  {
    rule: 2,
    name: "only the sink is fenced",
    shapes: ["files", "silver", "joined", "gold"],
    seedsMax: 300,
    edits: [{ file: rollForward, find: fence, replace: 'fences: role === "sink" ? [fence] : [],' }],
  },
  {
    rule: 2,
    name: "the fence lets a batch of the past through",
    seedsMax: 400,
    edits: [
      {
        file: "shared/delta/fence.ts",
        find: 'if (recorded === expected) return { kind: "open" };',
        replace: 'if (recorded === expected || (recorded ?? 0) > version) return { kind: "open" };',
      },
    ],
  },
  {
    rule: 2,
    name: "a generation begins without a seal on the one before",
    seedsMax: 50,
    edits: [
      {
        file: handOver,
        find: 'if (step.kind === "sealed") return head;',
        replace: 'if (step.kind !== "roll") return head;',
      },
    ],
  },
  {
    rule: 2,
    name: "a batch that was decided is left behind by the next generation",
    seedsMax: 150,
    edits: [{ file: handOver, find: "if (isFenced) return head;", replace: "return head;" }],
  },
  {
    rule: 2,
    name: "a generation that nobody began is sealed as it is",
    seedsMax: 50,
    edits: [
      {
        file: handOver,
        find: "if (head.lastOffsets === undefined && before.generation > 1) {",
        replace: "if (head.lastOffsets === undefined && before.generation > limits.generationsMax) {",
      },
    ],
  },
  {
    rule: 2,
    name: "the first batch of a generation expects nothing",
    seedsMax: 50,
    edits: [
      {
        file: handOver,
        find: "tables[role] = swapped?.[role] ?? (known?.tableId === tableId ? known : { tableId, version: -1, txn: null });",
        replace: "tables[role] = { ...(swapped?.[role] ?? known), tableId, version: -1, txn: null };",
      },
    ],
  },
  {
    rule: 2,
    name: "a swap records no txn",
    seedsMax: 150,
    edits: [{ file: swap, find: "fences: appIds.map(", replace: "fences: appIds.slice(appIds.length).map(" }],
  },
  {
    rule: 3,
    name: "a re-run takes the time at which it runs",
    seedsMax: 100,
    edits: [
      {
        file: hubDriver,
        find: "bronzeRows(events, this.#declared, range, batch.offsets.batchTime)",
        replace: "bronzeRows(events, this.#declared, range, instantText(BigInt(this.#context.clock.nowMs()) * 1000n))",
      },
    ],
  },
  {
    rule: 3,
    name: "a re-run joins the latest version of a static table",
    shapes: ["joined"],
    seedsMax: 300,
    edits: [{ file: streamDriver, find: "await joined.at(pinned.version)", replace: "await joined.latest()" }],
  },
  {
    rule: 3,
    name: "a re-run reads up to the newest version of its input",
    shapes: ["lanes", "silver"],
    seedsMax: 200,
    edits: [
      {
        file: streamDriver,
        find: "await table.changes(startVersion ?? afterVersion, toVersion)",
        replace: "await table.changes(startVersion ?? afterVersion, (await table.latest()).version)",
      },
    ],
  },
  {
    rule: 3,
    name: "which duplicate is kept does not depend on its place",
    shapes: ["silver", "gold"],
    seedsMax: 100,
    edits: [
      { file: streamingJob, find: "order: [place.version, place.lane, place.position, ...", replace: "order: [..." },
    ],
  },
  {
    rule: 4,
    name: "a row is late by what its batch holds",
    shapes: ["silver", "joined", "gold"],
    seedsMax: 100,
    edits: [{ file: judgedRows, find: 'call("greatest", column("progress_us"), earlier)', replace: "earlier" }],
  },
  {
    rule: 4,
    name: "a row is late by the rows of all lanes",
    shapes: ["silver", "joined", "gold"],
    seedsMax: 100,
    edits: [{ file: judgedRows, find: "partitionBy: [column(place.lane)],", replace: "partitionBy: []," }],
  },
  {
    rule: 5,
    name: "duplicates are dropped before expectations",
    shapes: ["silver", "gold"],
    seedsMax: 100,
    edits: [
      {
        file: streamingJob,
        find: `filter(this.#rows.scan("judged"), ${isFresh})`,
        replace: `filter(this.#rows.scan("judged"), call("or", ${isFresh}, ${reasonIs("EXPECTATION")}))`,
      },
      {
        file: streamingJob,
        find: 'const kept = this.#rows.scan("kept");',
        replace: `const kept = filter(this.#rows.scan("kept"), ${isFresh});`,
      },
    ],
  },
  {
    rule: 5,
    name: "malformed rows are judged by expectations",
    shapes: ["silver", "joined", "gold"],
    seedsMax: 100,
    edits: [
      {
        file: judgedRows,
        find: 'const malformed = call("is_not_null", column(rowError));',
        replace: "const malformed = bool(false);",
      },
    ],
  },
  {
    rule: 5,
    name: "expectations are asked before lateness",
    shapes: ["silver", "joined", "gold"],
    seedsMax: 100,
    edits: [{ file: judgedRows, find: "[...late, ...drops]", replace: "[...drops, ...late]" }],
  },
  {
    rule: 5,
    name: "keys of quarantined rows enter the state",
    shapes: ["silver", "gold"],
    seedsMax: 150,
    edits: [
      {
        file: streamingJob,
        find: 'project(this.#rows.scan("kept"), same(names))',
        replace: 'project(this.#rows.scan("judged"), same(names))',
      },
    ],
  },
  {
    rule: 6,
    name: "events of the payload are taken with the properties that the host made of them",
    shapes: ["bronze"],
    seedsMax: 100,
    edits: [{ file: hubDriver, find: ".filter(isUnchanged)", replace: "" }],
  },
  {
    rule: 6,
    name: "the payload says where the batch begins",
    shapes: ["bronze", "lanes"],
    seedsMax: 300,
    edits: [
      {
        file: hubDriver,
        find: "const isHeadStart = payload[0]?.sequenceNumber === from;",
        replace: "const isHeadStart = payload.length > 0;",
      },
    ],
  },
  {
    rule: 6,
    name: "events of the payload fill the range in the order in which they come",
    shapes: ["bronze", "lanes"],
    seedsMax: 200,
    edits: [
      {
        file: hubDriver,
        find: "const index = event.sequenceNumber - range.fromSequence;",
        replace:
          'const index = event.sequenceNumber - (hint?.kind === "hub-events" ? (hint.events[0]?.sequenceNumber ?? 0) : range.fromSequence);',
      },
    ],
  },
  {
    rule: 8,
    name: "a view is planned up to one version and computed up to another",
    shapes: ["gold"],
    seedsMax: 300,
    edits: [
      {
        file: viewInputs,
        find: "const snapshot = await this.open(input).at(toVersion);",
        replace: "const snapshot = await this.open(input).latest();",
      },
    ],
  },
  {
    rule: 14,
    name: "lanes share one txn",
    shapes: ["bronze", "lanes"],
    seedsMax: 50,
    edits: [
      {
        file: "shared/core/ids.ts",
        find: "return `dyne/${pipeline}/${flow}/${lane}`;",
        replace: "return `dyne/${pipeline}/${flow}/${lane.slice(0, 0)}`;",
      },
    ],
  },
  {
    rule: 21,
    name: "files that were read are not in the outcome",
    shapes: ["files", "joined"],
    seedsMax: 20,
    edits: [
      {
        file: filesDriver,
        find: 'appendOutcome(ledgerRole, idOf(ledgerRole), state.snapshot.version, written["ledger"] ?? [])',
        replace: "appendOutcome(ledgerRole, idOf(ledgerRole), state.snapshot.version, [])",
      },
    ],
  },
  {
    rule: 23,
    name: "what was put before is taken for another's",
    seedsMax: 100,
    edits: [{ file: verifiedPut, find: "return same ? {", replace: "return same && mine.length === 0 ? {" }],
  },
  {
    rule: 23,
    name: "an unknown answer is taken for a yes",
    seedsMax: 100,
    edits: [
      {
        file: verifiedPut,
        find: "if (!again) throw error;",
        replace: 'if (again) return { kind: "created" };\n      throw error;',
      },
    ],
  },
  {
    rule: 18,
    name: "a replay runs ahead of the live lane",
    shapes: ["bronze", "lanes", "silver"],
    seedsMax: 300,
    edits: [
      { file: hubReplay, find: "Math.min(part.untilSequence, live.untilSequence)", replace: "part.untilSequence" },
    ],
  },
  {
    rule: 18,
    name: "a replay adds what bronze holds",
    shapes: ["bronze", "lanes", "silver"],
    seedsMax: 60,
    edits: [{ file: hubDriver, find: "isReplay ? this.#replay.missing() : scan", replace: "scan" }],
  },
  {
    rule: 18,
    name: "a reset does not fence replays of the generation before",
    shapes: ["bronze"],
    seedsMax: 600,
    edits: [
      {
        file: "shared/engine/generation.ts",
        find: ", ...((await driver.replayLanes?.()) ?? [])]",
        replace: "]",
      },
    ],
  },
];
