import { Command } from "commander";
import { hasEnded, type BackfillRequest, type JobRecord } from "../shared/checkpoint/index.ts";
import { DyneError, systemClock } from "../shared/core/index.ts";
import type { Backfill } from "../shared/engine/index.ts";
import { Operator } from "./operator.ts";
import { print } from "./print.ts";

interface BackfillOptions {
  readonly data: string;
  readonly json?: boolean;
}

interface RunOptions extends BackfillOptions {
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

/** A step of a job that this command runs itself: progress is said after each. */
const stepMs = 2_000;
/** A job that cannot go on is looked at again after so long. */
const pauseMs = 1_000;
const jobsListed = 100;

/** `dyne backfill …`: bring in what was missed, compute a view again, and look at such jobs. */
export function backfillCommand(): Command {
  return new Command("backfill")
    .description("Bring in events or files that a table missed, or compute a view again, as a job.")
    .addCommand(replayCommand())
    .addCommand(refreshCommand())
    .addCommand(listCommand())
    .addCommand(jobCommand("show", "Say how far a job has come.", (backfill, job) => backfill.find(job)))
    .addCommand(
      jobCommand("cancel", "End a job. What it has committed stays.", (backfill, job) => backfill.cancel(job)),
    );
}

function replayCommand(): Command {
  const command = new Command("replay")
    .description("Bring in what a bronze table does not hold: a range of its hub, or landed files of a folder.")
    .argument("<table>", "a table fed from a hub or from files, such as bronze.flights")
    .option("--from <position>", "of a hub: the first sequence number, or a time such as 2026-11-01T00:00:00Z")
    .option("--to <position>", "of a hub: the end, not included; without it, all that the table has read so far")
    .option("--partition <id>", "of a hub: one partition; without it, all")
    .option("--prefix <path>", "of files: container and folder, such as landing/airports/");
  return running(command, "replay bronze.flights --from 0", "replay bronze.airports --prefix landing/airports/").action(
    (table: string, options: RunOptions & ReplayOptions) => run(replayRequest(table, options), options),
  );
}

function refreshCommand(): Command {
  const command = new Command("refresh")
    .description("Compute a materialized view from its inputs again; readers see the old rows until then.")
    .argument("<view>", "a materialized view, such as gold.route_daily");
  return running(command, "refresh gold.route_daily").action((table: string, options: RunOptions) =>
    run({ kind: "refresh", table }, options),
  );
}

function listCommand(): Command {
  return common(new Command("list").description("List the newest jobs."), "list").action(
    async ({ data, json }: BackfillOptions) => {
      await using operator = await Operator.open(data);
      const jobs = await operator.backfills({ runs: false }, (backfill) => backfill.list(jobsListed));
      if (json === true) process.stdout.write(`${JSON.stringify({ jobs })}\n`);
      else
        await print(
          jobs.map((job) => JSON.stringify(row(job))),
          "table",
        );
    },
  );
}

function jobCommand(
  name: string,
  description: string,
  work: (backfill: Backfill, job: string) => Promise<JobRecord>,
): Command {
  const command = new Command(name).description(description).argument("<job>", "its id; see `dyne backfill list`");
  return common(command, `${name} 0f8c2a4e-5b6d-4c7e-8f90-a1b2c3d4e5f6`).action(
    async (job: string, { data, json }: BackfillOptions) => {
      await using operator = await Operator.open(data);
      await printJob(await operator.backfills({ runs: false }, (backfill) => work(backfill, job)), json);
    },
  );
}

interface ReplayOptions {
  readonly from?: string;
  readonly to?: string;
  readonly partition?: string;
  readonly prefix?: string;
}

/** Throws INVALID_ARGUMENT for a table that has no source, and where neither a range nor a folder is named, or both are. */
function replayRequest(source: string, { from, to, partition, prefix }: ReplayOptions): BackfillRequest {
  const fed = Operator.flows.filter(({ kind }) => kind === "hub" || kind === "files").map(({ output }) => output.name);
  if (!fed.includes(source))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `"${source}" is no table that a hub or files feed. Choose one of ${fed.join(", ")}.`,
    );
  const hasRange = from !== undefined || to !== undefined || partition !== undefined;
  if (prefix !== undefined && !hasRange) return { kind: "replay", source, prefix };
  if (prefix !== undefined || from === undefined)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `Say what of ${source} to replay: --from <position> where a hub feeds it, or --prefix <path> where files do.`,
    );
  return {
    kind: "replay",
    source,
    from: position("--from", from),
    ...(to === undefined ? {} : { to: position("--to", to) }),
    ...(partition === undefined ? {} : { partition }),
  };
}

/** A sequence number, or a time in ISO-8601 with its zone. Throws INVALID_ARGUMENT. */
function position(option: string, text: string): number | string {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${option} is "${text}". Give a sequence number such as 1200, or a time such as 2026-11-01T00:00:00Z.`,
  );
}

/** Takes a job on, and runs it here to its end, unless it is not waited for. */
async function run(request: BackfillRequest, { data, json, wait }: RunOptions): Promise<void> {
  const isOfHub = Operator.flows.some(({ kind, output }) => kind === "hub" && output.name === tableOf(request));
  await using operator = await (isOfHub ? Operator.openWithHubs(data) : Operator.open(data));
  const job = await operator.backfills({ runs: true }, async (backfill) => {
    const taken = await backfill.submit(request);
    process.stderr.write(`Job ${taken.jobId} is taken on.\n`);
    return wait ? await finished(backfill, taken) : taken;
  });
  await printJob(job, json);
  if (job.state === "FAILED") process.exitCode = 1;
}

const tableOf = (request: BackfillRequest): string => (request.kind === "refresh" ? request.table : request.source);

async function finished(backfill: Backfill, taken: JobRecord): Promise<JobRecord> {
  let job = taken;
  let said = "";
  while (!hasEnded(job)) {
    const advanced = await backfill.advance(job.jobId, stepMs);
    if (advanced === undefined)
      throw new DyneError(
        "JOB_NOT_FOUND",
        `Job ${job.jobId} is gone, or a newer build has taken it over. List the jobs.`,
      );
    job = advanced;
    const { done, total, unit } = job.progress;
    const now = job.waitsFor === null ? `${done} of ${total ?? "?"} ${unit}` : `waits: ${job.waitsFor}`;
    if (now !== said) process.stderr.write(`${now}\n`);
    said = now;
    if (job.waitsFor !== null) await systemClock.sleep(pauseMs);
  }
  return job;
}

async function printJob(job: JobRecord, json: boolean | undefined): Promise<void> {
  await print([JSON.stringify(json === true ? job : row(job))], json === true ? "ndjson" : "table");
  if (json !== true && job.error !== null) process.stderr.write(`${job.error.code}: ${job.error.message}\n`);
}

function row({ jobId, state, request, flow, progress, rows, waitsFor, createdTime }: JobRecord) {
  const { done, total, unit } = progress;
  return {
    job: jobId,
    state,
    kind: request.kind,
    table: flow,
    progress: `${done} of ${total ?? "?"} ${unit}`,
    rows,
    created: createdTime.slice(0, 19),
    waits: waitsFor ?? "",
  };
}

function running(command: Command, ...examples: readonly string[]): Command {
  command.option("--no-wait", "only take the job on, and leave it to the platform that runs");
  return common(command, ...examples);
}

function common(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  npm run --silent dyne -- backfill ${example}`);
  const [first = ""] = lines;
  return command
    .option("--data <folder>", "the data folder of a local run, whether it runs or not", ".dyne/dev")
    .option("--json", "as one line of JSON")
    .addHelpText("after", `\nExamples:\n${[...lines, `${first} --data .dyne/start --json`].join("\n")}`);
}
