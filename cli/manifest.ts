import { Command } from "commander";
import { pipelines } from "../pipelines/index.ts";
import { manifest } from "../shared/pipeline/index.ts";

/** `dyne manifest`: the pipelines as JSON. */
export function manifestCommand(): Command {
  return new Command("manifest")
    .description(
      "Print the manifest of each pipeline: tables, flows, sources, functions and queues as JSON, one document per line with --json.",
    )
    .option("--json", "one line per pipeline")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run --silent dyne -- manifest\n  npm run --silent dyne -- manifest --json",
    )
    .action((options: { json?: boolean }) => {
      for (const pipeline of pipelines)
        process.stdout.write(`${JSON.stringify(manifest(pipeline), null, options.json === true ? undefined : 2)}\n`);
    });
}
