/**
 * The changes of the golden tables that Spark made, as Spark's change feed has them: `expected/changes-<from>-<to>.ndjson` beside a table. The
 * times of commits are compared where the log has them (in-commit timestamps); elsewhere Spark takes those of the files, which a
 * checkout makes anew.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DuckDbCompute, transientCheckpoints } from "../../shared/compute/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { FileStore } from "../../shared/storage/index.ts";
import { DeltaTable, readChanges } from "../../shared/table/index.ts";

const fixtures = new URL("fixtures", import.meta.url).pathname;

interface Expected {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const expected: readonly Expected[] = readdirSync(fixtures)
  .filter((name) => existsSync(join(fixtures, name, "expected")))
  .flatMap((name) =>
    readdirSync(join(fixtures, name, "expected")).flatMap((file) => {
      const [, from, to] = /^changes-(\d+)-(\d+)\.ndjson$/.exec(file) ?? [];
      return to === undefined ? [] : [{ name, from: Number(from), to: Number(to) }];
    }),
  );

/** Tables whose rows are not read yet, and the feature that their refusal names. A table that is read has no line here. */
const refused: Readonly<Record<string, string>> = {};

let compute: DuckDbCompute;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "dyne-golden-"));
  compute = await DuckDbCompute.open(
    { directory, memoryLimitMb: 512, threads: 2, cacheBytes: 64 * 1024 * 1024 },
    systemRandom,
  );
});
afterAll(async () => {
  await compute.close();
  await rm(directory, { recursive: true });
});

/** Rows in an order that is the same however they were read. */
const lines = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .sort();

function withoutNulls(line: string): string {
  return JSON.stringify(JSON.parse(line, (_, value: unknown) => (value === null ? undefined : value)));
}

test("there are changes to compare with", () => {
  expect(expected.length).toBeGreaterThan(10);
});

describe.each(expected)("$name, versions $from to $to", ({ name, from, to }) => {
  const wanted = lines(readFileSync(join(fixtures, name, "expected", `changes-${from}-${to}.ndjson`), "utf8"));
  const isTimed = wanted[0]?.includes('"_commit_timestamp"') === true;

  test.each([false, true])("has the changes that Spark reads, strict: %s", async (strict) => {
    const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
    const store = new FileStore(join(fixtures, name), services);
    const table = new DeltaTable({ store, path: "delta", ...services, checkpointReader: transientCheckpoints() });
    if (refused[name] !== undefined) {
      await expect(table.latest()).rejects.toMatchObject({
        code: "UNSUPPORTED_FEATURE",
        message: expect.stringContaining(refused[name]),
      });
      return;
    }
    const found: string[] = [];
    for await (const text of readChanges({ compute, table }, { from, to, strict }))
      found.push(isTimed ? text : text.replace(/,"_commit_timestamp":"[^"]*"}$/, "}"));
    if (strict) expect(found.sort()).toEqual(wanted);
    // Spark's rows may have columns that the table got after the range: those have no value in any of them.
    else expect(found.map(withoutNulls).sort()).toEqual(wanted.map(withoutNulls).sort());
  });
});
