import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commitPath, stateAt, writeCheckpoint } from "../../../../shared/delta/index.ts";
import { DeltaTable, planChanges, type ChangeRange } from "../../../../shared/table/index.ts";
import { seededRandom } from "../../../../shared/core/index.ts";
import { FaultyStore, type StoreOperation } from "../../../support/faulty-store.ts";
import { openCompute, schemaOf, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { historyStartMs, metaData, plainProtocol, TableHistory } from "../../../support/table-history.ts";

let under: ComputeUnderTest;
let history: TableHistory;
beforeAll(async () => {
  under = await openCompute();
  history = new TableHistory(under);
  const types = { id: { kind: "long" } } as const;
  await history.commit([plainProtocol, metaData(schemaOf(types))]);
  for (const id of [1n, 2n, 3n]) await history.commit([{ add: await history.file(types, { id: [id] }) }]);
});
afterAll(() => under[Symbol.asyncDispose]());

/** Milliseconds after the commit of a version; the next one is 1,000 after it. */
const at = (version: number, afterMs = 0) => new Date(historyStartMs + 1_000 * version + afterMs);

/** Versions with changes, and what the range was taken for. */
async function planned(range: ChangeRange): Promise<readonly [readonly number[], string]> {
  const { from, to, commits } = await planChanges(history.table, range);
  return [commits.map(({ version }) => version), `${from}-${to}`];
}

test.each<[string, ChangeRange, readonly number[], string]>([
  ["versions, both included", { from: 1, to: 2 }, [1, 2], "1-2"],
  ["one version", { from: 2, to: 2 }, [2], "2-2"],
  ["a version that changed no row", { from: 0, to: 0 }, [], "0-0"],
  ["up to the newest version without an end", { from: 2 }, [2, 3], "2-3"],
  ["nothing from the version after the newest on", { from: 4 }, [], "4-3"],
  ["from a time on: what was committed then or later", { from: at(2) }, [2, 3], "2-3"],
  ["from a time between two commits on", { from: at(1, 1) }, [2, 3], "2-3"],
  ["from a time before the table was there", { from: at(-100) }, [1, 2, 3], "0-3"],
  ["nothing from a time after the newest commit on", { from: at(3, 1) }, [], "4-3"],
  ["up to a time: what was committed by then", { from: 1, to: at(2) }, [1, 2], "1-2"],
  ["up to a time between two commits", { from: 1, to: at(2, 999) }, [1, 2], "1-2"],
  ["up to a time after the newest commit", { from: 1, to: at(1_000) }, [1, 2, 3], "1-3"],
  ["times", { from: at(1), to: at(2) }, [1, 2], "1-2"],
  ["nothing of times between which there was no commit", { from: at(1, 1), to: at(1, 999) }, [], "2-1"],
  ["nothing of times after the newest commit", { from: at(5), to: at(6) }, [], "4-3"],
])("a range is %s", async (_, range, versions, span) => {
  expect(await planned(range)).toEqual([versions, span]);
});

test.each<[string, ChangeRange, string, RegExp]>([
  ["a version after the newest", { from: 5 }, "VERSION_NOT_FOUND", /no version 5.*newest is 3/],
  ["an end after the newest version", { from: 1, to: 4 }, "VERSION_NOT_FOUND", /no version 4.*newest is 3/],
  ["a range that ends before it begins", { from: 2, to: 1 }, "INVALID_ARGUMENT", /versions 2 to 1/],
  ["times that end before they begin", { from: at(2), to: at(1) }, "INVALID_ARGUMENT", /2023-11-14T22:13:22/],
  ["a time after the version to end with", { from: at(2), to: 1 }, "INVALID_ARGUMENT", /versions 2 to 1/],
  ["an end before the table was there", { from: 0, to: at(-1) }, "VERSION_NOT_FOUND", /oldest/],
  ["a negative version", { from: -1 }, "INVALID_ARGUMENT", /"-1"/],
  ["half a version", { from: 1, to: 1.5 }, "INVALID_ARGUMENT", /"1.5"/],
  ["no number", { from: Number.NaN }, "INVALID_ARGUMENT", /"NaN"/],
  ["no time", { from: new Date("never") }, "INVALID_ARGUMENT", /"Invalid Date"/],
])("%s is refused", async (_, range, code, message) => {
  await expect(planned(range)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

describe("of a table whose log was cleaned", () => {
  test("a time before what is left is a loss, and is told from when on there is something", async () => {
    const cleaned = new TableHistory(under);
    await cleaned.commit([plainProtocol, metaData(schemaOf({ id: { kind: "long" } }))]);
    for (const id of [1n, 2n, 3n]) {
      await cleaned.commit([{ add: await cleaned.file({ id: { kind: "long" } }, { id: [id] }) }]);
    }
    await writeCheckpoint(cleaned.table.log, await stateAt(cleaned.table.log, 2));
    for (const version of [0, 1]) await cleaned.store.delete(commitPath(cleaned.table.log, version));
    await expect(planChanges(cleaned.table, { from: at(0) })).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringContaining(at(2).toISOString()),
    });
    await expect(planChanges(cleaned.table, { from: 1 })).rejects.toMatchObject({
      code: "DATA_LOSS",
      details: { version: 1, oldest: 2 },
    });
    expect((await planChanges(cleaned.table, { from: at(2, 1) })).commits.map(({ version }) => version)).toEqual([3]);
  });
});

describe("the log", () => {
  test("is asked for each commit of the range once, and for nothing before it", async () => {
    const asked: string[] = [];
    const before = ({ name, path }: StoreOperation) => void asked.push(`${name} ${path.split("/").at(-1)}`);
    const store = new FaultyStore(history.store, { random: seededRandom(1), before });
    const table = new DeltaTable({ ...history.table.log, store });
    await table.latest();
    asked.length = 0;
    await planChanges(table, { from: 2 });
    const name = (version: number) => `get ${String(version).padStart(20, "0")}.json`;
    expect(asked).toEqual([name(4), name(2), name(3)]);
  });
});
