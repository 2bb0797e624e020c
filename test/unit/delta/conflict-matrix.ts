/**
 * Every pair of writers: what becomes of one whose commit comes second, planned on the version that the other's commit follows. The table
 * is partitioned by `day` and has the files a1 and a2 on day A, b1 on day B.
 */
import type {
  Action,
  AddFile,
  CommitRequest,
  ConflictReason,
  DeletionVector,
  Snapshot,
} from "../../../shared/delta/index.ts";
import { add } from "./table-under-test.ts";

/** What a writer does, planned on a snapshot, and what it says that it has read. */
export interface Writer {
  readonly name: string;
  readonly plan: (base: Snapshot) => Omit<CommitRequest, "base">;
}

const dayA = { day: "2001-01-01" };
const dayB = { day: "2001-01-02" };

export const files: Readonly<Record<string, Action>> = {
  a1: add("a1", { partitionValues: dayA }),
  a2: add("a2", { partitionValues: dayA }),
  b1: add("b1", { partitionValues: dayB }),
};

const onDayA = ({ partitionValues }: AddFile): boolean => partitionValues["day"] === dayA.day;

function activeOf(base: Snapshot, ...paths: readonly string[]): readonly AddFile[] {
  return [...base.files].filter(({ path }) => paths.includes(path));
}

function removals(base: Snapshot, paths: readonly string[], dataChange = true): readonly Action[] {
  return activeOf(base, ...paths).map(({ path, partitionValues, size, deletionVector }) => ({
    remove: {
      path,
      partitionValues,
      size,
      deletionTimestamp: 0,
      dataChange,
      ...(deletionVector && { deletionVector }),
    },
  }));
}

let written = 0;
/** A file that nobody else writes. */
const newFile = (name: string, partitionValues: AddFile["partitionValues"], dataChange = true): Action =>
  add(`${name}-${++written}`, { partitionValues, dataChange });

const vector: DeletionVector = { storageType: "i", pathOrInlineDv: "x", sizeInBytes: 1, cardinality: 1 };

const change = { isBlindAppend: false } as const;

export const writers: readonly Writer[] = [
  {
    name: "append",
    plan: () => ({ actions: [newFile("n", dayA)], isBlindAppend: true, operation: "WRITE" }),
  },
  {
    name: "append of what was read",
    plan: () => ({ ...change, actions: [newFile("n", dayA)], readsWholeTable: true, operation: "WRITE" }),
  },
  {
    name: "delete in a1 (day A)",
    plan: (base) => ({
      ...change,
      actions: [...removals(base, ["a1"]), newFile("n", dayA)],
      readsMatching: onDayA,
      readFiles: activeOf(base, "a1", "a2"),
      operation: "DELETE",
    }),
  },
  {
    name: "delete in a1 by vector",
    plan: (base) => ({
      ...change,
      actions: [
        ...removals(base, ["a1"]),
        add("a1", { partitionValues: dayA, deletionVector: { ...vector, pathOrInlineDv: `v${++written}` } }),
      ],
      readsMatching: onDayA,
      readFiles: activeOf(base, "a1", "a2"),
      operation: "DELETE",
    }),
  },
  {
    name: "update of a2 (by its values)",
    plan: (base) => ({
      ...change,
      actions: [...removals(base, ["a2"]), newFile("u", dayA)],
      readsMatching: ({ path }) => path === "a2" || path.startsWith("u"),
      readFiles: activeOf(base, "a2"),
      operation: "UPDATE",
    }),
  },
  {
    name: "merge into b1 (day B)",
    plan: (base) => ({
      ...change,
      actions: [...removals(base, ["b1"]), newFile("n", dayB)],
      readsMatching: (file) => !onDayA(file),
      readFiles: activeOf(base, "b1"),
      operation: "MERGE",
    }),
  },
  {
    name: "optimize of day A",
    plan: (base) => ({
      ...change,
      actions: [...removals(base, ["a1", "a2"], false), newFile("o", dayA, false)],
      readFiles: activeOf(base, "a1", "a2"),
      operation: "OPTIMIZE",
    }),
  },
  {
    name: "overwrite",
    plan: (base) => ({
      ...change,
      actions: [...removals(base, ["a1", "a2", "b1"]), newFile("n", dayA)],
      readsWholeTable: true,
      operation: "WRITE",
    }),
  },
  {
    name: "replace where day is A",
    plan: (base) => ({
      ...change,
      actions: [...removals(base, ["a1", "a2"]), newFile("n", dayA)],
      readsMatching: onDayA,
      readFiles: activeOf(base, "a1", "a2"),
      operation: "WRITE",
    }),
  },
  {
    name: "change of metadata",
    plan: ({ metadata }) => ({
      ...change,
      actions: [{ metaData: { ...metadata, description: `${++written}` } }],
      operation: "SET TBLPROPERTIES",
    }),
  },
  {
    name: "change of protocol",
    plan: () => ({
      ...change,
      actions: [{ protocol: { minReaderVersion: 1, minWriterVersion: 3 } }],
      operation: "UPGRADE PROTOCOL",
    }),
  },
  {
    name: "append with txn x",
    plan: () => ({
      actions: [{ txn: { appId: "x", version: ++written } }, newFile("n", dayA)],
      isBlindAppend: true,
      operation: "STREAMING UPDATE",
    }),
  },
  {
    name: "change of domain d",
    plan: () => ({
      ...change,
      actions: [{ domainMetadata: { domain: "d", configuration: `${++written}`, removed: false } }],
      operation: "SET DOMAIN",
    }),
  },
];

/** One letter for each reason, as the tables have it. */
export const letters: Readonly<Record<Exclude<ConflictReason, "contention">, string>> = {
  "rows-changed": "A",
  "read-file-removed": "R",
  "file-removed": "D",
  "file-added": "F",
  "metadata-changed": "M",
  "protocol-changed": "P",
  "txn-changed": "T",
  "domain-changed": "T",
};

/**
 * What becomes of each writer (a row) whose commit comes after that of each other (a column, in the same order): a point where it goes
 * through, else the letter of the reason.
 */
export const matrix: Readonly<Record<"WriteSerializable" | "Serializable", readonly string[]>> = {
  WriteSerializable: [
    ". . . . . . . . . M P . .",
    ". A R R R R . R R M P . .",
    ". A D D R . D D D M P . .",
    ". A D D R . D D D M P . .",
    ". . . . D . D D D M P . .",
    ". . . . . D . D . M P . .",
    ". . D D D . D D D M P . .",
    ". A D D D D D D D M P . .",
    ". A D D D . D D D M P . .",
    ". . . . . . . . . M P . .",
    ". . . . . . . . . M P . .",
    ". . . . . . . . . M P T .",
    ". . . . . . . . . M P . T",
  ],
  Serializable: [
    ". . . . . . . . . M P . .",
    "A A R R R R . R R M P A .",
    "A A D D R . D D D M P A .",
    "A A D D R . D D D M P A .",
    ". . . . D . D D D M P . .",
    ". . . . . D . D . M P . .",
    ". . D D D . D D D M P . .",
    "A A D D D D D D D M P A .",
    "A A D D D . D D D M P A .",
    ". . . . . . . . . M P . .",
    ". . . . . . . . . M P . .",
    ". . . . . . . . . M P T .",
    ". . . . . . . . . M P . T",
  ],
};

/** The matrix as a Markdown table: one cell for both levels, with a star where only `Serializable` minds. */
export function matrixAsMarkdown(): string {
  const header = ["comes second ↓ / came first →", ...writers.map((_, index) => String(index + 1))];
  const rows = writers.map(({ name }, index) => {
    const cells = matrix.WriteSerializable[index]!.split(" ").map((weak, column) => {
      const strict = matrix.Serializable[index]!.split(" ")[column]!;
      return weak === strict ? weak.replace(".", " ") : `${strict}*`;
    });
    return [`${index + 1} ${name}`, ...cells];
  });
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length), 3));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
