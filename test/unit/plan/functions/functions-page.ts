/** docs/functions.md, from the table of functions. */
import { functionGroups } from "../../../../shared/plan/functions/index.ts";
import type { FunctionDefinition } from "../../../../shared/plan/functions/index.ts";

export const functionsPagePath = new URL("../../../../docs/functions.md", import.meta.url);

/** What queries can call. */
export function functionsPage(): string {
  const groups = functionGroups
    .map(({ title, functions }) => ({ title, functions: functions.filter(({ doc }) => doc !== undefined) }))
    .filter(({ functions }) => functions.length > 0);
  const all = groups.flatMap(({ functions }) => functions);
  const exact = all.filter(({ exactness }) => exactness === "exact").length;
  return [
    "# Functions",
    "",
    "Written by `DOCS_WRITE=1 npx vitest run test/unit/plan/functions` from the [table of functions](../shared/plan/functions/index.ts), which gives each its",
    "type rule and its spelling in DuckDB and in Spark.",
    "",
    `There are ${all.length}, with Spark's names in camel case. They mean what they mean in Spark 4 with ANSI on and the time zone UTC: NULL where an`,
    "argument is NULL unless it is said otherwise, and where Spark stops with an error, the row has one: it goes to quarantine, or stops the flow.",
    "An argument that is wrong is an error of the row even where one before it is NULL: `NULL + CAST('x' AS INT)`, of which Spark, that stops at the NULL, gives NULL.",
    "Of Spark's functions `hash` and `xxhash64` are missing, `format_number` of doubles, and `levenshtein` with a limit, among others.",
    "`npm run test:interop` computes all but those of windows with both, over the edges of their types and random inputs, and compares row by row, errors too.",
    `${exact} are **exact**. The others differ in what stands beside them. What is called on a column stands behind a point.`,
    ...groups.flatMap(({ title, functions }) => [
      "",
      `## ${title}`,
      "",
      "| function | what it gives | in Spark |",
      "| --- | --- | --- |",
      ...functions.map(lineOf),
    ]),
    "",
  ].join("\n");
}

function lineOf({ doc, exactness }: FunctionDefinition): string {
  const { usage, does, difference } = doc!;
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return `| \`${cell(usage)}\` | ${cell(does)} | ${exactness === "exact" ? "exact" : `approximate: ${cell(difference ?? "")}`} |`;
}
