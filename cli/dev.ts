import { resolve } from "node:path";
import { Command } from "commander";
import { systemClock, systemRandom } from "../shared/core/index.ts";
import { jsonLogger } from "../shared/runtime/index.ts";
import { pipelines } from "../pipelines/index.ts";
import { restartOnSave } from "./restart-on-save.ts";
import { hubsOf, ownDataFolder, startPlatform } from "../local/platform/index.ts";

/** `dyne dev`: Azure on this machine with the declared pipelines running, until Ctrl-C. */
export function devCommand(): Command {
  return new Command("dev")
    .description(
      "Run the pipelines on this machine and stay up: storage, Event Hubs and the Functions host, until Ctrl-C. Starts again when a pipeline is saved.",
    )
    .option("--data <folder>", "keep everything in this folder", ".dyne/dev")
    .option("--json", "print where the services are as one line of JSON")
    .option("--no-watch", "go on with the pipelines as they are now")
    .addHelpText("after", "\nExamples:\n  npm run dev\n  npm run dev -- --data .dyne/mine")
    .action(dev);
}

async function dev(options: { data: string; json?: boolean; watch: boolean }): Promise<void> {
  if (!options.watch) return run(options);
  const args = ["dev", "--no-watch", "--data", options.data, ...(options.json === true ? ["--json"] : [])];
  process.exitCode = await restartOnSave(args, (text) => process.stderr.write(`${text}\n`));
}

async function run(options: { data: string; json?: boolean }): Promise<void> {
  const stopped = new Promise<string>((resolveStop) => {
    // The same Ctrl-C may come twice, from the terminal and from who started this.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolveStop(signal));
    if (process.connected) process.once("disconnect", () => resolveStop("who started it has ended"));
    // Listening keeps the process alive for the channel's sake, also once all is stopped.
    process.channel?.unref();
  });
  const say = (text: string) => process.stderr.write(`${text}\n`);
  await using folder = await ownDataFolder(resolve(options.data));
  say("starting storage, Event Hubs and the Functions host …");
  await using platform = await startPlatform({
    directory: folder.path,
    hubs: hubsOf(pipelines),
    clock: systemClock,
    random: systemRandom,
    logger: jsonLogger("warn", (line) => process.stderr.write(line)),
  });
  if (options.json === true)
    process.stdout.write(
      `${JSON.stringify({ data: folder.path, functions: platform.functions, api: platform.api, settings: platform.settings })}\n`,
    );
  say(`functions   ${platform.functions.join(", ")}`);
  if (platform.api !== undefined) say(`API         ${platform.api}`);
  say(`Event Hubs  ${platform.eventHubs}`);
  say(`lake        ${platform.azurite.connectionStrings.lake}`);
  say(`logs        ${folder.path}/logs`);
  say("running; Ctrl-C stops");
  const reason = await Promise.race([stopped, platform.failed]);
  say(`stopping (${reason}) …`);
  if (reason !== "SIGINT" && reason !== "SIGTERM") process.exitCode = 1;
}
