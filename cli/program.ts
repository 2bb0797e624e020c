/** The command as a function of its arguments. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { isDyneError } from "../shared/core/index.ts";
import { backfillCommand } from "./backfill.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { explainCommand } from "./explain.ts";
import { flowCommand } from "./flow.ts";
import { landCommand } from "./land.ts";
import { manifestCommand } from "./manifest.ts";
import { openapiCommand } from "./openapi.ts";
import { quarantineCommand } from "./quarantine.ts";
import { runCommand as runAvailableCommand } from "./run.ts";
import { sendCommand } from "./send.ts";
import { startCommand } from "./start.ts";
import { tableCommand } from "./table.ts";

/** Runs a command line, without the names of Node and of the program, to its end. Gives the exit code: 0 done, 1 it failed, 2 used wrongly. */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: "user" });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (isDyneError(error)) process.stderr.write(`${error.code}: ${error.message}\n`);
    else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return isDyneError(error) && usedWrongly.has(error.code) ? 2 : 1;
  }
}

const usedWrongly: ReadonlySet<string> = new Set(["INVALID_ARGUMENT", "INVALID_SETTING", "JOB_NOT_FOUND"]);

function versionOfPackage(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}

function program(): Command {
  const command = new Command("dyne")
    .description(
      "A serverless lakehouse for Azure: tables declared as batch queries, kept up to date incrementally and exactly once.",
    )
    // A version of a table is another thing: what follows a subcommand is the subcommand's.
    .enablePositionalOptions()
    .version(versionOfPackage(), "--version", "print the version of dyne")
    .showHelpAfterError("(add --help for usage)")
    .exitOverride();
  for (const subcommand of [
    startCommand,
    devCommand,
    runAvailableCommand,
    sendCommand,
    landCommand,
    flowCommand,
    backfillCommand,
    explainCommand,
    manifestCommand,
    openapiCommand,
    tableCommand,
    quarantineCommand,
    doctorCommand,
  ]) {
    command.addCommand(subcommand());
  }
  inherit(command);
  return command;
}

/** Subcommands that were made elsewhere behave as the program does: wrong use is told by the exit code, not by exiting. */
function inherit(parent: Command): void {
  for (const command of parent.commands) inherit(command.copyInheritedSettings(parent));
}
