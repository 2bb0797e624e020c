/** `npm run cost`: what the pipelines would cost a month under a load. */
import { parseArgs } from "node:util";
import { pipelines } from "../../pipelines/index.ts";
import { manifest } from "../../shared/pipeline/index.ts";
import { assumed } from "./assumptions.ts";
import { CostProblem, estimate, type EstimateOptions } from "./estimate.ts";
import { priceTable, pricesOf } from "./prices.ts";
import { printed, slowerSeconds } from "./print.ts";

const help = `Usage: npm run cost -- --events-per-second <n> --event-bytes <n> --retention-days <n> [options]

Estimates the monthly bill of the pipelines of pipelines/index.ts, and of two alternatives that are always on under the same load.
Prices are those of infra/cost/prices.ts; every price and every assumption is printed.

Options:
  --events-per-second <n>   over all hubs, on average; 0 or more
  --event-bytes <n>         of a body, 1 to 1,048,576
  --retention-days <n>      how long events are kept in tables, 1 to 3,650
  --min-interval-seconds <n>  between two batches of a lane, where that is longer than its table says
  --pipeline <name>         this one alone; may be given several times
  --no-capture              without Event Hubs Capture
  --warm                    with instances that are always ready
  --json                    print the estimate as JSON
  --help                    print this`;

try {
  run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CostProblem)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

function run(args: readonly string[]): void {
  const values = valuesOf(args);
  if (values.help) return void process.stdout.write(`${help}\n`);
  const options: EstimateOptions = {
    eventsPerSecond: numberOf("events-per-second", values["events-per-second"], 0, 1e9),
    eventBytes: numberOf("event-bytes", values["event-bytes"], 1, 1_048_576),
    retentionDays: numberOf("retention-days", values["retention-days"], 1, 3_650),
    minIntervalSeconds: optionalOf("min-interval-seconds", values["min-interval-seconds"], 0, 86_400),
    capture: !values["no-capture"],
    warm: values.warm,
  };
  const chosen = pipelinesOf(values.pipeline);
  const made = estimate(chosen.map(manifest), options);
  const longerSeconds = slowerSeconds(options.minIntervalSeconds);
  const slower = estimate(chosen.map(manifest), { ...options, minIntervalSeconds: longerSeconds });
  const names = chosen.map(({ name }) => name);
  const text = values.json
    ? JSON.stringify({ pipelines: names, ...options, ...made, pricesOf, prices: priceTable, assumptions: assumed })
    : printed(made, options, { names, slower, longerSeconds });
  process.stdout.write(`${text}\n`);
}

function valuesOf(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const options = {
    "events-per-second": text,
    "event-bytes": text,
    "retention-days": text,
    "min-interval-seconds": text,
    pipeline: { ...text, multiple: true },
    "no-capture": flag,
    warm: flag,
    json: flag,
    help: flag,
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new CostProblem(
      `${(error as Error).message.replace(/[^.]$/, "$&.")} What there is, is told by: npm run cost -- --help`,
    );
  }
}

function numberOf(name: string, value: string | undefined, from: number, to: number): number {
  if (value === undefined)
    throw new CostProblem(`--${name} is missing. An example: --${name} 30. More: npm run cost -- --help`);
  const number = Number(value);
  if (!/^\d+(\.\d+)?$/.test(value) || number < from || number > to) {
    throw new CostProblem(
      `--${name} ${value} is not possible. Use a number from ${from.toLocaleString("en")} to ${to.toLocaleString("en")}, without separators.`,
    );
  }
  return number;
}

function optionalOf(name: string, value: string | undefined, from: number, to: number): number | undefined {
  return value === undefined ? undefined : numberOf(name, value, from, to);
}

function pipelinesOf(names: readonly string[] | undefined) {
  const unknown = names?.find((name) => !pipelines.some((pipeline) => pipeline.name === name));
  if (unknown !== undefined) {
    throw new CostProblem(
      `There is no pipeline "${unknown}". There are: ${pipelines.map(({ name }) => name).join(", ")}.`,
    );
  }
  return names === undefined ? pipelines : pipelines.filter(({ name }) => names.includes(name));
}
