/**
 * Every function of the table, computed by DuckDB and by Spark over the same inputs: the same value for every row, and an error for the
 * same rows. INTEROP_SEED=n draws other random inputs.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { interopEnvironment } from "./environment.ts";
import { DuckDbAnswers, rowJson, sparkAnswers, type Answers } from "./functions/answers.ts";
import { probes, type Probe } from "./functions/index.ts";
import { sameAnswer, type Answer, type InputRow } from "./functions/values.ts";
import { Peer } from "./peer.ts";

const startMsMax = 900_000;
const seed = Number(process.env["INTEROP_SEED"] ?? 1);
const shownMax = 5;
const say = (text: string): void => void process.stderr.write(`functions: ${text}\n`);
const environment = await interopEnvironment(say);
if (environment.kind === "absent") process.stderr.write(`FUNCTIONS NOT COMPARED: ${environment.reason}\n`);

describe.skipIf(environment.kind === "absent")(`functions in DuckDB answer as Spark's, seed ${seed}`, () => {
  let spark: Peer;
  let duckdb: DuckDbAnswers;
  let folder: string;

  beforeAll(async () => {
    if (environment.kind === "absent") return;
    folder = await mkdtemp(join(tmpdir(), "dyne-functions-"));
    duckdb = await DuckDbAnswers.open();
    spark = await Peer.start("Spark", environment.python, "functions.py", folder);
  }, startMsMax);

  afterAll(async () => {
    await spark?.[Symbol.asyncDispose]();
    await duckdb?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  test.each(probes.map((probe) => [probe.title, probe] as const))("%s", async (_title, probe) => {
    const rows = probe.rows(seed);
    const [ours, theirs] = [await duckdb.of(probe, rows), await sparkAnswers(spark, probe, rows)];
    expect(differences(probe, rows, ours, theirs)).toEqual([]);
  });
});

/** The first answers that differ, with what they were asked for. */
function differences(probe: Probe, rows: readonly InputRow[], ours: Answers, theirs: Answers): readonly string[] {
  const groups = [...new Set(rows.map(({ g }) => Number(g)))].sort((a, b) => a - b);
  const inputs = (index: number): string =>
    (probe.kind === "scalars" ? [rows[index]!] : rows.filter(({ g }) => g === groups[index])).map(rowJson).join(" ");
  const found = Object.keys(probe.expressions).flatMap((name) => {
    const [here, there] = [ours[name]!, theirs[name]!];
    if (here.length !== there.length) return [`${name}: ${here.length} answers of DuckDB, ${there.length} of Spark`];
    return here.flatMap((answer, index) =>
      isSame(answer, there[index]!, probe.loosely)
        ? []
        : [`${name} of ${inputs(index)}: DuckDB ${JSON.stringify(answer)}, Spark ${JSON.stringify(there[index])}`],
    );
  });
  return found.slice(0, shownMax);
}

function isSame(a: Answer, b: Answer, loosely: boolean): boolean {
  if ("error" in a || "error" in b) return "error" in a && "error" in b;
  return sameAnswer(a.value, b.value, loosely);
}
