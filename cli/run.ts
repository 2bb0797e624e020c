import { Command } from "commander";
import { listFlows } from "./flow.ts";
import { Operator } from "./operator.ts";

interface RunOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** `dyne run`: everything that is there to do, then the end (Spark's `availableNow`). */
export function runCommand(): Command {
  return new Command("run")
    .description(
      "Bring every table up to date with what is in the hubs and in landing, and end. Nothing is left running; what comes later waits for the next run.",
    )
    .option("--data <folder>", "the data folder of a local run, whether it runs or not", ".dyne/dev")
    .option("--json", "as one line of JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run --silent dyne -- run\n  npm run --silent dyne -- run --data .dyne/start --json",
    )
    .action(run);
}

async function run({ data, json }: RunOptions): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  try {
    await using operator = await Operator.openWithHubs(data);
    process.stderr.write("running what there is …\n");
    const stopped = await operator.runAvailable(stop.signal);
    await listFlows(operator, { data, json });
    for (const why of stopped.values()) process.stderr.write(`${why}\n`);
    if (stopped.size > 0 || stop.signal.aborted) process.exitCode = 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
  }
}
