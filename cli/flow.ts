import { Command } from "commander";
import { DyneError } from "../shared/core/index.ts";
import type { Engine } from "../shared/engine/index.ts";
import type { FlowStatus } from "../shared/serving/index.ts";
import { Operator } from "./operator.ts";
import { print } from "./print.ts";
import { wholeNumber } from "./whole-number.ts";

interface FlowOptions {
  readonly data: string;
  readonly json?: boolean | undefined;
}

/** `dyne flow …`: where flows stand, and what an operator can do about one. */
export function flowCommand(): Command {
  const command = new Command("flow").description("Look at flows, stop them, set them going, make their data anew.");
  command.addCommand(
    shared(new Command("list").description("Say where every flow stands."), "list").action((options: FlowOptions) =>
      list(options),
    ),
  );
  const verbs: readonly Verb[] = [pause, resume, reset, refresh, continueFlow];
  for (const verb of verbs) command.addCommand(verbCommand(verb));
  command.addCommand(skipCommand());
  command.addCommand(restoreCommand());
  return command;
}

/** Something to do to a flow, which needs nothing but its name. */
interface Verb {
  readonly name: string;
  readonly description: string;
  readonly act: (engine: Engine, flow: string) => Promise<void>;
  /** Asked for with `--yes`, because it takes data away. */
  readonly warning?: (flow: string) => string;
  /** A flow that it can be done to. */
  readonly example: string;
  /** What happens now, beside what the state says. */
  readonly told: (flow: string, data: string) => readonly string[];
}

const pause: Verb = {
  name: "pause",
  example: "silver.flights",
  description: "Stop a flow from taking new batches. What arrives waits in its input.",
  act: (engine, flow) => engine.pause(flow),
  told: () => [],
};

const resume: Verb = {
  name: "resume",
  example: "silver.flights",
  description: "Set a flow going again, after a pause or after the cause of a failure was removed.",
  act: (engine, flow) => engine.resume(flow),
  told: () => ["A batch that was open is finished first, with exactly the input that it had."],
};

const reset: Verb = {
  name: "reset",
  example: "silver.flights",
  description: "Empty a flow's tables, each in one commit, and read its input from the start.",
  act: (engine, flow) => engine.reset(flow),
  warning: (flow) =>
    `A reset takes all rows out of ${flow} and its quarantine and reads the input again from its start; what the input no longer holds is gone from the newest version.`,
  told: (flow, data) => readersToReset(flow, data),
};

const refresh: Verb = {
  name: "refresh",
  example: "gold.route_daily",
  description: "Compute a materialized view from its inputs again; readers see the old rows until then.",
  act: (engine, flow) => engine.refresh(flow),
  told: () => [],
};

const continueFlow: Verb = {
  name: "continue",
  example: "silver.flights",
  description: "Keep a flow's data and go on with its changed query; a view is computed again.",
  act: (engine, flow) => engine.continue(flow),
  told: () => [],
};

function verbCommand(verb: Verb): Command {
  const command = shared(
    new Command(verb.name).description(verb.description).argument("<flow>", flowHelp),
    verb.name,
    `${verb.example}${verb.warning === undefined ? "" : " --yes"}`,
  );
  if (verb.warning !== undefined) command.option("--yes", "do it");
  return command.action((flow: string, options: FlowOptions & { yes?: boolean }) => {
    if (verb.warning !== undefined && options.yes !== true)
      throw new DyneError("INVALID_ARGUMENT", `${verb.warning(flow)} Repeat the command with --yes to do it.`);
    return change(flow, options, (engine) => verb.act(engine, flow), verb.told(flow, options.data));
  });
}

function skipCommand(): Command {
  return shared(
    new Command("skip")
      .description("Go past the batch that failed a streaming table. Its rows never reach the table.")
      .argument("<flow>", flowHelp)
      .requiredOption("--batch <number>", "the batch that failed; see `dyne flow list`", wholeNumber)
      .option("--yes", "do it"),
    "skip",
    "silver.flights --batch 7 --yes",
  ).action((flow: string, options: FlowOptions & { batch: number; yes?: boolean }) => {
    const { batch, yes } = options;
    if (yes !== true)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `The rows of batch ${batch} will never reach ${flow}; they stay in the table that it reads. Repeat the command with --yes to do it.`,
      );
    return change(flow, options, (engine) => engine.skip(flow, batch), []);
  });
}

function restoreCommand(): Command {
  return shared(
    new Command("restore")
      .description("Take a streaming table back to an earlier version, and its place in the input with it.")
      .argument("<flow>", flowHelp)
      .requiredOption("--version <number>", "a version of the table; see `dyne table history`", wholeNumber)
      .option(
        "--keep-position",
        "leave the place in the input where it is: what came after the version is not read again",
      )
      .option("--yes", "do it"),
    "restore",
    "silver.flights --version 12 --yes",
  ).action((flow: string, options: FlowOptions & { version: number; keepPosition?: boolean; yes?: boolean }) => {
    const { version, keepPosition, yes, data } = options;
    if (yes !== true)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `A restore takes the rows out of ${flow} that came after version ${version}${keepPosition === true ? "" : " and reads them again"}. Repeat the command with --yes to do it.`,
      );
    const position = keepPosition === true ? "keep-position" : "rewind";
    return change(flow, options, (engine) => engine.restore(flow, version, position), readersToReset(flow, data));
  });
}

const flowHelp = "a flow, by the name of its table, such as silver.flights";

/** With the options that all have, and an example with these arguments. */
function shared(command: Command, verb: string, args?: string): Command {
  const example = `npm run --silent dyne -- flow ${verb}${args === undefined ? "" : ` ${args}`}`;
  return command
    .option("--data <folder>", "the data folder of a local run, whether it runs or not", ".dyne/dev")
    .option("--json", "as one line of JSON")
    .addHelpText("after", `\nExamples:\n  ${example}\n  ${example} --data .dyne/start --json`);
}

async function list(options: FlowOptions): Promise<void> {
  await using operator = await Operator.open(options.data);
  await listFlows(operator, options);
}

/** Says where every flow stands, and what to do about those that do not run. */
export async function listFlows(operator: Operator, { data, json }: FlowOptions): Promise<void> {
  const flows = await operator.status();
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ flows })}\n`);
    return;
  }
  const lines = flows.map((flow) =>
    JSON.stringify({
      flow: flow.flow,
      state: flow.state,
      lanes: flow.lanes,
      batches: flow.batches,
      version: flow.version,
      rows: flow.rows,
      "last commit": flow.lastCommitTime,
    }),
  );
  await print(lines, "table");
  for (const flow of flows) {
    const lines = advice(flow, data);
    if (lines.length > 0) process.stdout.write(`\n${lines.join("\n")}\n`);
  }
}

async function change(
  flow: string,
  { data, json }: FlowOptions,
  act: (engine: Engine) => Promise<void>,
  told: readonly string[],
): Promise<void> {
  await using operator = await Operator.open(data);
  const [before] = await operator.status(flow);
  await operator.operate(flow, act);
  const [status] = await operator.status(flow);
  if (status === undefined) throw new Error(`${flow} is declared and has no status`);
  const isOfAnotherBuild = before?.state === "PLAN_CHANGED" && status.state !== "PLAN_CHANGED";
  const restart =
    isOfAnotherBuild && operator.isRunning
      ? ["If the platform that runs was started with the earlier query, start it again."]
      : [];
  process.stdout.write(
    json === true
      ? `${JSON.stringify(status)}\n`
      : `${[`${flow} is ${status.state}, generation ${status.generation ?? "none"}.`, ...told, ...restart, ...advice(status, data)].join("\n")}\n`,
  );
}

/** Failures that stay however often the batch is tried again. */
const needsReset: ReadonlySet<string> = new Set([
  "UPSTREAM_CHANGED",
  "DATA_LOSS",
  "SINK_CHANGED",
  "HUB_CHANGED",
  "CHECKPOINT_CORRUPT",
]);

/** A command as it can be run, on the same folder. */
function runnable(verb: string, flow: string, data: string, more = verb === "reset" ? " --yes" : ""): string {
  return `npm run --silent dyne -- flow ${verb} ${flow}${more} --data ${data}`;
}

function isSkippable(flow: string, code: string): boolean {
  return !needsReset.has(code) && Operator.flows.some(({ id, kind }) => id === flow && kind === "stream");
}

/** What to do about a flow that does not run. */
function advice({ flow, state, failure, waitsFor }: FlowStatus, data: string): readonly string[] {
  switch (state) {
    case "FAILED":
      return [
        `${flow} FAILED in batch ${failure?.batchId ?? "?"} of lane ${failure?.lane ?? "?"}: ${failure?.code ?? ""} ${failure?.message ?? ""}`,
        needsReset.has(failure?.code ?? "")
          ? `  Its data no longer follow from its input. Make them anew: ${runnable("reset", flow, data)}`
          : `  Remove the cause, then: ${runnable("resume", flow, data)}`,
        ...(isSkippable(flow, failure?.code ?? "")
          ? [`  Or go on without its rows: ${runnable("skip", flow, data, ` --batch ${failure?.batchId ?? ""} --yes`)}`]
          : []),
      ];
    case "PLAN_CHANGED":
      return [
        ...(failure === null ? [] : [`${flow} had failed before, and may again: ${failure.code} ${failure.message}`]),
        `${flow} waits, because its query is not the one that made its data.`,
        `  Keep the data and go on, where they fit: ${runnable("continue", flow, data)}`,
        `  Make it anew from its input: ${runnable("reset", flow, data)}`,
      ];
    case "PAUSED":
      return [`${flow} is paused. Go on: ${runnable("resume", flow, data)}`];
    case "NEW":
    case "RUNNING":
      return waitsFor.map((table) => `${flow} waits for rows of ${table}, which it joins as it stands.`);
  }
}

/** Streaming tables do not take back what they made of rows that are gone: they stop, and say so. */
function readersToReset(flow: string, data: string): readonly string[] {
  return Operator.flows
    .filter((each) => each.kind === "stream" && each.stream.writtenBy === flow)
    .map(({ id }) => `${id} reads it row by row and stops when rows go: ${runnable("reset", id, data)}`);
}
