import { existsSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { DyneError } from "../shared/core/index.ts";
import { globMatches } from "../shared/sources/index.ts";
import { Operator } from "./operator.ts";

interface LandOptions {
  readonly data: string;
  readonly to: string;
  readonly json?: boolean;
}

/** `dyne land`: files are dropped where a pipeline reads them. */
export function landCommand(): Command {
  return new Command("land")
    .description("Drop files into the local lake, where a pipeline reads them.")
    .argument("<files...>", "files of this machine")
    .requiredOption("--to <folder>", "container and folder, such as landing/airports/")
    .option("--data <folder>", "the data folder of a local run, whether it runs or not", ".dyne/dev")
    .option("--json", "as one line of JSON")
    .addHelpText("after", "\nExamples:\n  npm run --silent dyne -- land airports.csv --to landing/airports/")
    .action(land);
}

async function land(files: readonly string[], { data, to, json }: LandOptions): Promise<void> {
  const landed = files.map((file) => ({ file, path: `${to.replace(/\/+$/, "")}/${basename(file)}` }));
  const globs = Operator.flows.flatMap((flow) => (flow.kind === "files" ? [flow.glob] : []));
  for (const { file, path } of landed) {
    if (!existsSync(file)) throw new DyneError("INVALID_ARGUMENT", `There is no file ${file}.`);
    if (!globs.some((glob) => globMatches(glob, path)))
      throw new DyneError(
        "INVALID_ARGUMENT",
        `No pipeline reads ${path}. They read ${globs.join(", ") || "no files"}.`,
      );
  }
  await using operator = await Operator.open(data);
  for (const { file, path } of landed) await operator.land(file, path);
  const paths = landed.map(({ path }) => path);
  process.stdout.write(json === true ? `${JSON.stringify({ landed: paths })}\n` : `${paths.join("\n")}\n`);
}
