#!/usr/bin/env node
/** The command `dyne`: one file per subcommand. */
import { runCommand } from "./program.ts";

// A reader that has enough closes the pipe; what writes to it notices, and ends in good order.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
process.exitCode = await runCommand(process.argv.slice(2));
