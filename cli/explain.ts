import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { openLocalStorage } from "../local/platform/index.ts";
import { pipelines } from "../pipelines/index.ts";
import { DyneError, silentLogger, systemClock, systemRandom } from "../shared/core/index.ts";
import {
  declaredFlows,
  explainFlow,
  nextRefresh,
  smallInputs,
  type DeclaredFlow,
  type Explanation,
  type NextRefresh,
} from "../shared/engine/index.ts";
import { TableCatalog } from "../shared/table/index.ts";

/** `dyne explain <flow>`: what a batch of the flow does, and why; of a view with data, what its next refresh would do. */
export function explainCommand(): Command {
  return new Command("explain")
    .description(
      "Say how a flow is kept up to date: its inputs, its strategy and the reason for it, the steps of a batch, its SQL; and of a view what the next refresh would do, with the bytes of the change and of the files touched.",
    )
    .argument("<flow>", "a flow, by the name of its table, such as gold.route_daily")
    .option(
      "--data <folder>",
      "the data folder of a local run, where the next refresh of a view is told from",
      ".dyne/dev",
    )
    .option("--json", "as one line of JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run --silent dyne -- explain silver.flights\n  npm run --silent dyne -- explain gold.route_daily --json",
    )
    .action(async (name: string, options: { data: string; json?: boolean }) => {
      const flows = pipelines.flatMap(declaredFlows);
      const flow = flows.find((candidate) => candidate.id === name);
      if (flow === undefined) {
        throw new DyneError(
          "INVALID_ARGUMENT",
          `There is no flow "${name}". Choose one of ${flows.map((candidate) => candidate.id).join(", ")}.`,
        );
      }
      const explanation = explainFlow(flow);
      const next = await nextOf(flow, resolve(options.data));
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(next === undefined ? explanation : { ...explanation, next })}\n`
          : text(explanation, next),
      );
    });
}

/** Undefined for flows that are no views, and where there is no data to tell it from. */
async function nextOf(flow: DeclaredFlow, directory: string): Promise<NextRefresh | undefined> {
  if (flow.kind !== "view" || !existsSync(join(directory, "storage"))) return undefined;
  const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
  await using storage = await openLocalStorage(directory, services);
  const tables = new TableCatalog(storage, services);
  return await nextRefresh({ host: storage.host, tables, smallInput: smallInputs, ...services }, flow);
}

function nextLines(next: NextRefresh): string[] {
  switch (next.kind) {
    case "not-built":
      return ["  next       the first build, in full"];
    case "nothing":
      return ["  next       nothing: its inputs are as they were"];
    case "refresh": {
      const { name, reason, change, touched } = next.strategy;
      const due =
        next.dueInMs > 0 ? [`    due      in ${(next.dueInMs / 1000).toFixed(1)} s, by the share of time`] : [];
      const ranges = Object.entries(next.inputs).map(
        ([input, { afterVersion, toVersion }]) => `${input} after version ${afterVersion} up to ${toVersion}`,
      );
      return [
        `  next       ${name}: ${reason}`,
        ...due,
        `    ${next.isOpen ? "goes on with" : "reads"}  ${ranges.join(", ")}`,
        `    change   ${change.bytes} bytes in ${change.files} files`,
        `    touches  at most ${touched.bytes} bytes in ${touched.files} files`,
      ];
    }
  }
}

/** Of a share, without the tail that a product of binary fractions has. */
export function percentOf(share: number): string {
  return String(Number((share * 100).toPrecision(3)));
}

function text(explanation: Explanation, next: NextRefresh | undefined): string {
  const { flow, kind, inputs, output, partitionBy, minIntervalMs, dutyCycle, strategy, steps, sql } = explanation;
  const lines = [
    `${flow} (${kind})`,
    `  reads      ${inputs.join(", ")}`,
    `  writes     ${output}${partitionBy.length === 0 ? "" : `, partitioned by ${partitionBy.join(", ")}`}`,
    `  interval   at least ${minIntervalMs} ms${dutyCycle === undefined ? "" : `; refreshes take at most ${percentOf(dutyCycle)} % of the time`}`,
    `  strategy   ${strategy.name}: ${strategy.reason}`,
    ...(next === undefined ? [] : nextLines(next)),
    "  a batch",
    ...steps.map((step, index) => `    ${index + 1}. ${step}`),
    ...(sql === undefined ? [] : ["  sql", `    ${sql}`]),
  ];
  return `${lines.join("\n")}\n`;
}
