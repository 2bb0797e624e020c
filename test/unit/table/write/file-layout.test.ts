/** Where new files of a table lie, and which columns their statistics tell of, as its properties say. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeLogPath, type Snapshot } from "../../../../shared/delta/index.ts";
import {
  appendRows,
  deleteRows,
  optimize,
  overwriteRows,
  renameColumn,
  setProperties,
  updateRows,
} from "../../../../shared/table/index.ts";
import {
  call,
  changingTable,
  column,
  modelTexts,
  rowTexts,
  sourceOf,
  text,
  whole,
  type ModelRow,
} from "../../../support/changing-table.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => under[Symbol.asyncDispose]());

const row = (id: number, part: string): ModelRow => ({ id, n: id * 10, text: `t${id}`, part });
const minima = ({ files }: Snapshot) =>
  [...files].map(({ stats }) => (JSON.parse(stats ?? "{}") as { minValues: object }).minValues);
const paths = ({ files }: Snapshot) => [...files].map(({ path }) => decodeLogPath(path));

test("statistics follow the properties of the version that is written to, in every kind of write", async () => {
  const session = await changingTable(under.compute, {
    configuration: { "delta.dataSkippingNumIndexedCols": "1" },
  });
  await appendRows(session, sourceOf([row(1, "x")]));
  expect(minima(await session.table.latest())).toEqual([{ id: 1 }]);
  await setProperties(session, { "delta.dataSkippingStatsColumns": "text,n" });
  await appendRows(session, sourceOf([row(2, "x")]));
  expect(minima(await session.table.latest())).toEqual([{ id: 1 }, { n: 20, text: "t2" }]);
  await optimize(session);
  expect(minima(await session.table.latest())).toEqual([{ n: 10, text: "t1" }]);
  await updateRows(session, { where: call("eq", column("id"), whole(1)), set: { text: text("u") } });
  expect(minima(await session.table.latest())).toEqual([{ n: 10, text: "t2" }]);
  await setProperties(session, { "delta.dataSkippingStatsColumns": "" });
  await overwriteRows(session, sourceOf([row(3, "x")]));
  expect(minima(await session.table.latest())).toEqual([{}]);
  expect(await rowTexts(session)).toEqual(modelTexts([row(3, "x")]));
});

test("statistics of a renamed column go on under its name in files", async () => {
  const session = await changingTable(under.compute, {
    configuration: { "delta.dataSkippingStatsColumns": "n" },
  });
  await setProperties(session, { "delta.columnMapping.mode": "name" });
  await renameColumn(session, "n", "amount");
  await appendRows(session, { ...sourceOf([]), ...amounts(sourceOf([row(1, "x")])) });
  expect(minima(await session.table.latest())).toEqual([{ n: 10 }]);
});

/** The rows of a source with another name for a column. */
function amounts(source: ReturnType<typeof sourceOf>): ReturnType<typeof sourceOf> {
  const names = { id: "id", amount: "n", text: "text", part: "part" };
  const columns = Object.entries(names).map(([name, from]) => ({ name, expression: column(from) }));
  return { ...source, plan: { kind: "project", input: source.plan, columns } };
}

test("with random prefixes no folder tells of a partition, whoever writes the file", async () => {
  const session = await changingTable(under.compute, {
    partitionBy: ["part"],
    configuration: {
      "delta.randomizeFilePrefixes": "true",
      "delta.randomPrefixLength": "3",
      "delta.enableChangeDataFeed": "true",
    },
  });
  await appendRows(session, sourceOf([row(1, "x"), row(2, "y")]));
  await appendRows(session, sourceOf([row(3, "x"), row(4, "y")]));
  await deleteRows(session, { where: call("eq", column("id"), whole(3)) });
  await appendRows(session, sourceOf([row(5, "x")]));
  await optimize(session);
  const snapshot = await session.table.latest();
  expect(paths(snapshot)).toHaveLength(2);
  const stored: string[] = [];
  for await (const { path } of session.store.list(`${session.table.path}/`))
    if (!path.includes("_delta_log")) stored.push(path.slice(session.table.path.length + 1));
  for (const path of stored) expect(path).toMatch(/^(?:_change_data\/)?[a-z\d]{3}\/part-[^/]*$/);
  expect(stored.some((path) => path.startsWith("_change_data/"))).toBe(true);
  expect(await rowTexts(session)).toEqual(modelTexts([row(1, "x"), row(2, "y"), row(4, "y"), row(5, "x")]));
});
