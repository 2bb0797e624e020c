import { Command } from "commander";
import { Operator } from "./operator.ts";
import { print } from "./print.ts";

/** `dyne quarantine list`: what could not go on, and why. */
export function quarantineCommand(): Command {
  const example = "npm run --silent dyne -- quarantine list";
  return new Command("quarantine")
    .description("Look at rows that could not go on.")
    .addCommand(
      new Command("list")
        .description("Count the rows in quarantine by table, reason and rule, with an example of each.")
        .argument("[table]", "one table only, such as silver.flights")
        .option("--data <folder>", "the data folder of a local run, whether it runs or not", ".dyne/dev")
        .option("--json", "as one line of JSON")
        .addHelpText("after", `\nExamples:\n  ${example}\n  ${example} silver.flights --json`)
        .action(list),
    );
}

async function list(table: string | undefined, { data, json }: { data: string; json?: boolean }): Promise<void> {
  await using operator = await Operator.open(data);
  const quarantined = await operator.quarantined(table);
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ quarantined })}\n`);
    return;
  }
  if (quarantined.length === 0) {
    process.stdout.write("Nothing is in quarantine.\n");
    return;
  }
  await print(
    quarantined.map(({ lastTime, ...rest }) => JSON.stringify({ ...rest, "last at": lastTime })),
    "table",
  );
  const [first] = quarantined;
  process.stdout.write(
    `\nThe rows themselves: npm run --silent dyne -- table read quarantine/${first?.table ?? ""} --data ${data}\n`,
  );
}
