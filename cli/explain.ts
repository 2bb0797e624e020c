import { Command } from "commander";
import { pipelines } from "../pipelines/index.ts";
import { DyneError } from "../shared/core/index.ts";
import { declaredFlows, explainFlow, type Explanation } from "../shared/engine/index.ts";

/** `dyne explain <flow>`: what a batch of the flow does, and why. */
export function explainCommand(): Command {
  return new Command("explain")
    .description(
      "Say how a flow is kept up to date: its inputs, its strategy and the reason for it, the steps of a batch, and its SQL.",
    )
    .argument("<flow>", "a flow, by the name of its table, such as gold.route_daily")
    .option("--json", "as one line of JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run --silent dyne -- explain silver.flights\n  npm run --silent dyne -- explain gold.route_daily --json",
    )
    .action((name: string, options: { json?: boolean }) => {
      const flows = pipelines.flatMap(declaredFlows);
      const flow = flows.find((candidate) => candidate.id === name);
      if (flow === undefined) {
        throw new DyneError(
          "INVALID_ARGUMENT",
          `There is no flow "${name}". Choose one of ${flows.map((candidate) => candidate.id).join(", ")}.`,
        );
      }
      const explanation = explainFlow(flow);
      process.stdout.write(options.json === true ? `${JSON.stringify(explanation)}\n` : text(explanation));
    });
}

function text(explanation: Explanation): string {
  const { flow, kind, inputs, output, partitionBy, minIntervalMs, strategy, steps, sql } = explanation;
  const lines = [
    `${flow} (${kind})`,
    `  reads      ${inputs.join(", ")}`,
    `  writes     ${output}${partitionBy.length === 0 ? "" : `, partitioned by ${partitionBy.join(", ")}`}`,
    `  interval   at least ${minIntervalMs} ms`,
    `  strategy   ${strategy.name}: ${strategy.reason}`,
    "  a batch",
    ...steps.map((step, index) => `    ${index + 1}. ${step}`),
    ...(sql === undefined ? [] : ["  sql", `    ${sql}`]),
  ];
  return `${lines.join("\n")}\n`;
}
