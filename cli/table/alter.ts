/** `dyne table alter`: changes what a table's log says of it beside its files. */
import { Argument, Command } from "commander";
import { DyneError } from "../../shared/core/index.ts";
import { parseType } from "../../shared/plan/index.ts";
import {
  addColumns,
  addConstraint,
  dropColumns,
  dropConstraint,
  renameColumn,
  setProperties,
  unsetProperties,
  upgradeProtocol,
  widenColumn,
  type Alteration,
  type AlterOptions,
  type DeltaTable,
  type TableWriter,
} from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { withCompute, withTable, withTableOptions, type TableOptions } from "./open-table.ts";
import { tableWriter } from "./table-writer.ts";

interface Change {
  /** What is written after the change's name; one with dots takes one or more words. */
  readonly words: readonly string[];
  readonly description: string;
  readonly apply: (
    table: DeltaTable,
    words: readonly [string, ...string[]],
    options: AlterOptions,
  ) => Promise<Alteration>;
}

const changes = {
  "add-column": {
    words: ["<column>", "<type>"],
    description: "a column at the end, NULL in the rows that are there",
    apply: (table, [column, type = ""], options) => addColumns({ table }, { [column]: parseType(type) }, options),
  },
  "rename-column": {
    words: ["<column>", "<name>"],
    description: "another name for a column or a field, which keeps its place",
    apply: (table, [column, name = ""], options) => renameColumn({ table }, column, name, options),
  },
  "drop-column": {
    words: ["<column>..."],
    description: "columns that nobody sees any more; files keep them",
    apply: (table, columns, options) => dropColumns({ table }, columns, options),
  },
  "widen-column": {
    words: ["<column>", "<type>"],
    description: "a wider type, in which every value stays what it is",
    apply: (table, [column, type = ""], options) => widenColumn({ table }, column, parseType(type), options),
  },
  "set-property": {
    words: ["<key=value>..."],
    description: "properties, and what they need of the table's protocol",
    apply: (table, properties, options) => setProperties({ table }, propertiesOf(properties), options),
  },
  "unset-property": {
    words: ["<key>..."],
    description: "properties that are Delta's own again",
    apply: (table, keys, options) => unsetProperties({ table }, keys, options),
  },
  "add-constraint": {
    words: ["<name>", "<condition>"],
    description: "what must be true of every row, those that are there first",
    apply: async (table, [name, condition = ""], options) => {
      let outcome: Alteration | undefined;
      await withCompute(async (compute) => {
        outcome = await addConstraint({ compute, table }, name, condition, options);
      });
      return outcome!;
    },
  },
  "drop-constraint": {
    words: ["<name>"],
    description: "what need not be true any more",
    apply: (table, [name]) => dropConstraint({ table }, name),
  },
  "add-feature": {
    words: ["<feature>..."],
    description: "table features of the protocol, which readers or writers have to know",
    apply: (table, features, options) => upgradeProtocol({ table }, features, options),
  },
} as const satisfies Readonly<Record<string, Change>>;

type ChangeName = keyof typeof changes;

const usageOf = (name: ChangeName): string => [name, ...changes[name].words].join(" ");
const names = Object.keys(changes) as ChangeName[];
const width = Math.max(...names.map((name) => usageOf(name).length));

const help = `
Changes:
${names.map((name) => `  ${usageOf(name).padEnd(width)}  ${changes[name].description}`).join("\n")}

No file is written anew. Columns in columns are named by their paths, such as address.city or tags.element; a name with a dot or a comma in it
stands in backquotes. Types are Spark's: bigint, decimal(10,2), array<string>, struct<city: string>. Columns are renamed and dropped where
delta.columnMapping.mode is name, and widened where delta.enableTypeWidening is true. Of a table that a flow writes, the pipeline says which
columns it has; properties and features with which the flow could not go on are refused. The exit code is 1 where somebody else was first; repeat it then.

Examples:
  npm run --silent dyne -- table alter ./path/to/a/delta/table add-column "address.zip" int
  npm run --silent dyne -- table alter ./path/to/a/delta/table set-property delta.columnMapping.mode=name delta.appendOnly=true
  npm run --silent dyne -- table alter ./path/to/a/delta/table rename-column address.zip postcode
  npm run --silent dyne -- table alter ./path/to/a/delta/table add-constraint "adult" "age >= 18" --json`;

export function alterCommand(): Command {
  return withTableOptions(
    new Command("alter")
      .description("Change the columns, properties, constraints or features of a table.")
      .addHelpText("after", help),
  )
    .addArgument(new Argument("<change>", "what to change; see below").choices(names))
    .argument("<words...>", "what the change takes")
    .action((name: string, change: ChangeName, words: [string, ...string[]], options: TableOptions) =>
      withTable(name, options, async (table) => alter(table, change, words, options, await tableWriter(name, table))),
    );
}

async function alter(
  table: DeltaTable,
  name: ChangeName,
  words: readonly [string, ...string[]],
  { format }: TableOptions,
  writer: TableWriter | undefined,
): Promise<void> {
  const change: Change = changes[name];
  const takesMore = change.words.some((word) => word.endsWith("..."));
  if (takesMore ? words.length < change.words.length : words.length !== change.words.length)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${name} takes ${change.words.join(" ")}, and ${words.length} ${words.length === 1 ? "word is" : "words are"} there. Write "${usageOf(name)}", a word with spaces in quotes.`,
    );
  const { kind, ...outcome } = await change.apply(table, words, { writer });
  if (kind === "conflict") process.exitCode = 1;
  await print([JSON.stringify({ result: kind, ...outcome })], format);
}

function propertiesOf(texts: readonly string[]): Readonly<Record<string, string>> {
  const properties = texts.map(keyAndValue);
  const twice = properties.find(([key], at) => properties.findIndex(([other]) => other === key) < at);
  if (twice === undefined) return Object.fromEntries(properties);
  throw new DyneError("INVALID_ARGUMENT", `${twice[0]} is set twice. Give it one value.`);
}

function keyAndValue(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  throw new DyneError("INVALID_ARGUMENT", `"${text}" sets no property. Write <key>=<value>.`);
}
