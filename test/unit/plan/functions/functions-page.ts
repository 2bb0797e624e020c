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
    "Structs and arrays are compared, sorted and found in arrays as in Spark, those with maps in them are not. `min`, `max`, `maxBy`, `minBy`, `mode` and `collectSet`",
    "do not order them, and they are no keys to look up in maps: take a field of them instead.",
    "`npm run test:interop` computes all but those of windows with both, over the edges of their types and random inputs, and compares row by row, errors too.",
    `${exact} are **exact**. The others differ in what stands beside them. What is called on a column stands behind a point.`,
    "",
    "## Casts",
    "",
    "`value.cast(type)` is Spark's cast with ANSI on: what does not fit is an error of the row. `value.tryCast(type)` gives NULL for it. Numbers and booleans are cast",
    "to one another, dates and timestamps too, text to each of these, and each but floats and doubles to text. There is no cast between times and numbers. What a",
    "text must look like is told more strictly than in Spark:",
    "",
    "| to | Spark also takes | dyne takes |",
    "| --- | --- | --- |",
    ...castTexts.map(
      ({ to, sparks, takes }) => `| ${to} | ${sparks.map((text) => `\`${text}\``).join(" ")} | ${takes} |`,
    ),
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

/** Texts that Spark 4 casts, and dyne gives an error or NULL for. */
export const castTexts = [
  {
    to: "`date`",
    sparks: ["2024", "2024-01", "2024-1-2", "2024-01-02T00:00:00Z", "2024-01-02 xyz", "epoch"],
    takes: "`2024-01-02`, without blanks around it",
  },
  {
    to: "`timestamp`",
    sparks: ["2024", "2024-01-02", "2024-01-02 03:04", "2024-01-02 3:4:5", "2024-01-02 03:04:05 Europe/Berlin", "now"],
    takes:
      "`2024-01-02 03:04:05` or `2024-01-02T03:04:05.123456`, with `Z`, `+02:00`, `+0200` or no zone, which is UTC; without blanks around it. `toTimestamp` with a pattern reads others",
  },
  { to: "`double`, `float`", sparks: ["1d", "1f"], takes: "the number without a letter behind it" },
] as const;

function lineOf({ doc, exactness }: FunctionDefinition): string {
  const { usage, does, difference } = doc!;
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return `| \`${cell(usage)}\` | ${cell(does)} | ${exactness === "exact" ? "exact" : `approximate: ${cell(difference ?? "")}`} |`;
}
