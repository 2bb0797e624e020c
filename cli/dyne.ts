#!/usr/bin/env node
/** The command `dyne`: one file per subcommand. */

// A reader that has enough closes the pipe; what writes to it notices, and ends in good order.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
// A package that is missing, or made for another machine, is met here.
const { runCommand } = await import("./program.ts").catch((error: unknown) => {
  process.stderr.write(`dyne cannot load its packages. Remove node_modules, and start again by npm.\n`);
  throw error;
});
process.exitCode = await runCommand(process.argv.slice(2));
