import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { commit, sparkExceptions, type CommitOutcome, type Snapshot } from "../../../shared/delta/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { files, letters, matrix, matrixAsMarkdown, writers, type Writer } from "./conflict-matrix.ts";
import { newTable } from "./table-under-test.ts";

type Level = keyof typeof matrix;

async function partitionedTable(level: Level) {
  const table = await newTable(1, { partitionBy: ["day"], configuration: { "delta.isolationLevel": level } });
  const { log, base } = table;
  const actions = Object.values(files);
  const filled = await commit(log, { base, actions, isBlindAppend: true, operation: "WRITE" });
  return { ...table, planned: filled.snapshot };
}

function letterOf(outcome: CommitOutcome): string {
  if (outcome.kind === "committed") return ".";
  if (outcome.kind !== "conflict" || outcome.reason === "contention") return outcome.kind;
  return letters[outcome.reason];
}

/** Where in the second writer's work the first one's commit lands. */
const places = {
  "before it commits": async (level: Level, second: Writer, first: Writer) => {
    const { log, planned } = await partitionedTable(level);
    const request = { base: planned, ...second.plan(planned) };
    await commitFirst(log, planned, first);
    return commit(log, request);
  },
  "when it puts its version": async (level: Level, second: Writer, first: Writer) => {
    const { memory, over, random, planned } = await partitionedTable(level);
    const request = { base: planned, ...second.plan(planned) };
    let puts = 0;
    const store = new FaultyStore(memory, {
      random,
      before: async ({ name }) => {
        if (name === "putIfAbsent" && ++puts === 1) await commitFirst(over(memory), planned, first);
      },
    });
    return commit(over(store), request);
  },
};

async function commitFirst(log: Parameters<typeof commit>[0], planned: Snapshot, first: Writer): Promise<void> {
  const outcome = await commit(log, { base: planned, ...first.plan(planned) });
  expect(outcome).toMatchObject({ kind: "committed", version: 2 });
}

describe.each(["WriteSerializable", "Serializable"] as const)("two writers of a table, %s", (level) => {
  describe.each(Object.keys(places) as (keyof typeof places)[])("where the first commits %s", (place) => {
    test.each(writers.map((second, index) => ({ second, row: matrix[level][index]! })))(
      "$second.name: $row",
      async ({ second, row }) => {
        const outcomes: CommitOutcome[] = [];
        for (const first of writers) outcomes.push(await places[place](level, second, first));
        expect(outcomes.map(letterOf).join(" ")).toBe(row);
        for (const [index, outcome] of outcomes.entries()) {
          expect(outcome.snapshot.version).toBe(outcome.kind === "committed" ? 3 : 2);
          if (outcome.kind !== "conflict") continue;
          const { operation } = writers[index]!.plan(outcome.snapshot);
          expect(outcome).toMatchObject({ version: 2, operation });
        }
      },
    );
  });
});

test("the table of conflicts in the docs is this one, with Spark's names for each letter", async () => {
  const path = new URL("../../../docs/delta.md", import.meta.url);
  const text = await readFile(path, "utf8");
  const legend = (Object.keys(sparkExceptions) as (keyof typeof sparkExceptions)[])
    .map((reason) => `| ${letters[reason]} | \`${reason}\` | \`${sparkExceptions[reason]}\` |`)
    .join("\n");
  const wanted = `\n\n${matrixAsMarkdown()}\n\n| letter | reason | in Spark |\n| --- | --- | --- |\n${legend}\n\n`;
  const between = /(?<=<!-- conflicts -->)[^]*(?=<!-- \/conflicts -->)/;
  if (process.env["UPDATE_DOCS"] === "1") await writeFile(path, text.replace(between, wanted));
  else expect(withoutWidths(between.exec(text)?.[0] ?? "")).toBe(withoutWidths(wanted));
});

/** A formatter may make columns of a table as wide as it likes. */
function withoutWidths(markdown: string): string {
  return markdown.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
}
