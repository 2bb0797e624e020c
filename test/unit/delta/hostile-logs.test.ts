/** Logs that are broken, or made to break: a table opens or is refused by a DyneError, with few requests and none outside of the table. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { transientCheckpoints } from "../../../shared/compute/index.ts";
import { isDyneError, limits } from "../../../shared/core/index.ts";
import {
  commitPath,
  dataFilePath,
  logFolder,
  openSnapshot,
  readCommit,
  stateAt,
  writeCheckpoint,
  type DeltaLog,
} from "../../../shared/delta/index.ts";
import { deleteCommits, logOf, put, putCompaction, putV2Checkpoint } from "./log-under-test.ts";

const commits = 4;
const askedMax = 60;

/** Opens and looks at every file; gives what was thrown. */
async function opened(log: DeltaLog): Promise<unknown> {
  try {
    const { files } = await openSnapshot(log);
    for (const file of files) dataFilePath(log, file);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function withCommit(version: number, change: (text: string) => string | Uint8Array) {
  const under = await logOf(commits);
  const path = commitPath(under.log, version);
  const bytes = (await under.memory.get(path))!.bytes;
  const changed = change(new TextDecoder().decode(bytes));
  await under.memory.put(path, typeof changed === "string" ? new TextEncoder().encode(changed) : changed);
  under.asked.length = 0;
  return under;
}

async function expectContained(under: Awaited<ReturnType<typeof withCommit>>): Promise<void> {
  const error = await opened(under.log);
  if (error !== undefined) expect(isDyneError(error), String(error)).toBe(true);
  expect(under.asked.length).toBeLessThan(askedMax);
  for (const { path } of under.asked) expect(path.startsWith(`${under.log.path}/`), path).toBe(true);
}

const junk = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    "../../../secret",
    "/etc/passwd",
    "file:///etc/passwd",
    "memory:///lake/other/secret",
    "memory:///lake/../secret",
    "a%2F..%2F..%2Fb",
    "%",
    "\u0000",
    -1,
    2 ** 53,
    1e308,
  ),
);

test("any byte may be another, or missing", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(commits), fc.nat(), fc.nat(255), fc.boolean(), async (version, at, byte, isCut) => {
      const under = await withCommit(version, (text) => {
        const bytes = new TextEncoder().encode(text);
        const place = at % bytes.length;
        if (isCut) return bytes.slice(0, place);
        bytes[place] = byte;
        return bytes;
      });
      await expectContained(under);
    }),
    { numRuns: 300 },
  );
});

test("any field of any action may be anything, or missing", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(commits),
      fc.nat(),
      fc.nat(),
      junk,
      fc.boolean(),
      async (version, line, field, value, isGone) => {
        const under = await withCommit(version, (text) => {
          const lines = text.split("\n").filter((each) => each !== "");
          const at = line % lines.length;
          const action = JSON.parse(lines[at]!) as Record<string, Record<string, unknown>>;
          const [kind] = Object.keys(action) as [string];
          const names = Object.keys(action[kind]!);
          const name = names[field % Math.max(1, names.length)] ?? "path";
          if (isGone) delete action[kind]![name];
          else action[kind]![name] = value;
          lines[at] = JSON.stringify(action);
          return lines.join("\n");
        });
        await expectContained(under);
      },
    ),
    { numRuns: 300 },
  );
});

test("lines may come twice, in another order, or in another commit", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(commits), fc.array(fc.nat(), { maxLength: 8 }), async (version, picks) => {
      const under = await withCommit(version, (text) => {
        const lines = text.split("\n").filter((each) => each !== "");
        return picks.map((pick) => lines[pick % lines.length]!).join("\n");
      });
      await expectContained(under);
    }),
    { numRuns: 150 },
  );
});

/** A log of twelve versions that needs its V2 checkpoint of version 4, has a compaction after it, and a hint. */
async function withEveryKind() {
  const under = await logOf(12);
  await putV2Checkpoint(under.log, under.versions[4]!);
  await putCompaction(under.log, 6, 10);
  await put(under.log, "_last_checkpoint", '{"version":4,"size":9}');
  await deleteCommits(under.log, 0, 3);
  return under;
}

test(
  "any byte of checkpoints, sidecars, compactions and the hint may be another, or the file cut",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(255), fc.boolean(), async (file, at, byte, isCut) => {
        const under = await withEveryKind();
        const files = (await Array.fromAsync(under.memory.list(`${logFolder(under.log)}/`))).filter(
          ({ path }) => !/\/\d{20}\.json$/.test(path),
        );
        const { bytes, path } = (await under.memory.get(files[file % files.length]!.path))!;
        const place = at % bytes.length;
        if (!isCut) bytes[place] = byte;
        await under.memory.put(path, isCut ? bytes.slice(0, place) : bytes);
        under.asked.length = 0;
        await expectContained(under);
      }),
      { numRuns: 300 },
    );
  },
);

test("any bytes of a checkpoint in Parquet may be others", { timeout: 120_000 }, async () => {
  const checkpoints = transientCheckpoints();
  const change = fc.tuple(fc.nat(), fc.nat(255));
  const whole = await logOf(12);
  await writeCheckpoint({ ...whole.log, checkpointWriter: checkpoints }, await stateAt(whole.log, 8));
  const stored = (await whole.memory.get(`${logFolder(whole.log)}/${"8".padStart(20, "0")}.checkpoint.parquet`))!;
  await deleteCommits(whole.log, 0, 7);
  const log = { ...whole.log, checkpointReader: checkpoints };
  expect(await opened(log)).toBeUndefined();
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const bytes = stored.bytes.slice();
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      await whole.memory.put(stored.path, bytes);
      whole.asked.length = 0;
      await expectContained({ ...whole, log });
    }),
    { numRuns: 60 },
  );
});

test.for([
  ["arrays", '{"type":"array","containsNull":true,"elementType":', "}"],
  ["structs", '{"type":"struct","fields":[{"name":"a","nullable":true,"metadata":{},"type":', "}]}"],
  ["maps", '{"type":"map","keyType":"long","valueContainsNull":true,"valueType":', "}"],
  ["nothing known", '{"type":"x","y":', "}"],
] as const)("a schema of %s in one another, as deep as a stack, is refused", async ([, open, close]) => {
  const type = `${open.repeat(30_000)}"long"${close.repeat(30_000)}`;
  const schemaString = `{"type":"struct","fields":[{"name":"a","type":${type},"nullable":true,"metadata":{}}]}`;
  const metaData = { id: "i", format: { provider: "parquet" }, schemaString, partitionColumns: [], configuration: {} };
  const under = await withCommit(commits, () => JSON.stringify({ metaData }));
  expect(await opened(under.log)).toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("a schema with two columns of one name is corrupt", async () => {
  const schemaString = '{"type":"struct","fields":[{"name":"a","type":"long"},{"name":"a","type":"string"}]}';
  const metaData = { id: "i", format: { provider: "parquet" }, schemaString, partitionColumns: [], configuration: {} };
  const under = await withCommit(commits, () => JSON.stringify({ metaData }));
  expect(await opened(under.log)).toMatchObject({ code: "LOG_CORRUPT" });
});

describe("a file of the log that is too large", () => {
  test("is refused by its size, before its bytes are there", async () => {
    const { log } = await logOf(commits);
    const store: DeltaLog["store"] = Object.assign(Object.create(log.store) as DeltaLog["store"], {
      get: async (path: string, options?: { readonly bytesMax?: number }) => {
        if (path !== commitPath(log, commits)) return log.store.get(path, options);
        expect(options?.bytesMax).toBe(limits.deltaCommitBytes);
        throw new RangeError("a gigabyte would be read");
      },
    });
    await expect(readCommit({ ...log, store }, commits)).rejects.toThrow("a gigabyte would be read");
  });
});

test.for([
  "../../other/x.parquet",
  "/etc/passwd",
  "file:///etc/passwd",
  "a/%2E%2E/%2E%2E/x",
  "abfss://c@a/x",
  "memory:///other/x",
  "memory:///<table>2/x",
  "memory:///<table>/%2E%2E/x",
  "memory:///<table>",
  "memory://<table>/x",
])("a data file at %s is outside of the table", async (pattern) => {
  const { log } = await logOf(0);
  const path = pattern.replace("<table>", log.path);
  const under = await withCommit(commits, (text) =>
    text.replaceAll(/"path":"[^"]*"/g, `"path":${JSON.stringify(path)}`),
  );
  expect(await opened(under.log)).toMatchObject({ code: "PATH_OUTSIDE_TABLE", details: { path } });
});

test("a field called __proto__ changes nobody's objects", async () => {
  const under = await withCommit(commits, (text) => text.replace("{", '{"__proto__":{"polluted":1},'));
  await expectContained(under);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test("nesting as deep as a stack is a DyneError", async () => {
  const deep = `{"add":{"path":"x","tags":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`;
  await expectContained(await withCommit(commits, () => deep));
});
