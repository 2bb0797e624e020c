#!/usr/bin/env node
/** The command `dyne`: one file per subcommand. */
import { loadErrorText } from "./load-error.ts";

// A reader that has enough closes the pipe; what writes to it notices, and ends in good order.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
// Between what refuses a query and the pipeline that declares it there are more calls than the ten that Node keeps.
Error.stackTraceLimit = 50;
// A package that is missing, or made for another machine, is met here; so is a pipeline that does not load.
const program = await import("./program.ts").catch((error: unknown) => {
  const text = loadErrorText(error);
  if (text === undefined) throw error;
  process.stderr.write(`${text}\n`);
});
process.exitCode = program === undefined ? 1 : await program.runCommand(process.argv.slice(2));
