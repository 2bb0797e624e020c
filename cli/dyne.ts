#!/usr/bin/env node
/** The command `dyne`: one file per subcommand. */
import { Command, CommanderError } from "commander";
import { isDyneError } from "../shared/core/index.ts";
import { devCommand } from "./dev.ts";
import { explainCommand } from "./explain.ts";
import { manifestCommand } from "./manifest.ts";
import { startCommand } from "./start.ts";
import { tableCommand } from "./table.ts";

const program = new Command("dyne")
  .description(
    "A serverless lakehouse for Azure: tables declared as batch queries, kept up to date incrementally and exactly once.",
  )
  .showHelpAfterError("(add --help for usage)")
  .exitOverride();

for (const command of [startCommand, devCommand, explainCommand, manifestCommand, tableCommand])
  program.addCommand(command());

/** 0 done, 1 it failed, 2 used wrongly. */
async function main(): Promise<number> {
  try {
    await program.parseAsync(process.argv);
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (isDyneError(error)) process.stderr.write(`${error.code}: ${error.message}\n`);
    else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return isDyneError(error) && (error.code === "INVALID_ARGUMENT" || error.code === "INVALID_SETTING") ? 2 : 1;
  }
}

process.exitCode = await main();
