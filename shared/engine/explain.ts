/** What a flow would do, as data: told from its declaration alone. */
import { unreachable } from "../core/index.ts";
import { renderPlan } from "../plan/index.ts";
import type { DeclaredFlow } from "./declared-flow.ts";
import { streamingPlan } from "./incremental/streaming-plan.ts";
import { modeFor } from "./incremental/operators/keyed-operator.ts";
import { planOfView } from "./incremental/view-inputs.ts";
import { viewNodes } from "./incremental/view-node.ts";
import type { ChangingView, ViewPlan } from "./incremental/view-plan.ts";

export interface Explanation {
  readonly flow: string;
  readonly kind: DeclaredFlow["kind"];
  readonly inputs: readonly string[];
  readonly output: string;
  readonly partitionBy: readonly string[];
  readonly minIntervalMs: number;
  /** The share of time that a view's refreshes may take; undefined for other flows. */
  readonly dutyCycle: number | undefined;
  readonly strategy: { readonly name: string; readonly reason: string };
  /** What a batch does, in order. */
  readonly steps: readonly string[];
  /** The flow's query as SQL; undefined for sources. */
  readonly sql: string | undefined;
}

export function explainFlow(flow: DeclaredFlow): Explanation {
  const common = {
    flow: flow.id,
    kind: flow.kind,
    output: flow.output.path,
    partitionBy: flow.output.partitionBy,
    minIntervalMs: flow.minIntervalMs,
    dutyCycle: flow.kind === "view" ? flow.dutyCycle : undefined,
  };
  switch (flow.kind) {
    case "hub":
      return {
        ...common,
        inputs: [`hub ${flow.hub}`],
        strategy: { name: "append", reason: "an Event Hub only ever grows" },
        steps: [
          "take the next range of sequence numbers of a partition",
          "keep each event byte for byte with its audit columns",
          "append, one lane per partition",
        ],
        sql: undefined,
      };
    case "files":
      return {
        ...common,
        inputs: [flow.glob],
        strategy: { name: "append", reason: "each (path, etag) is read once" },
        steps: [
          "take landed files that are not in the ledger",
          `read them as ${flow.format}, what does not fit goes to _rescued_data`,
          "append, and add them to the ledger",
        ],
        sql: undefined,
      };
    case "stream":
      return {
        ...common,
        inputs: [`${flow.stream.name} (each row once)`, ...flow.statics.map((table) => `${table.name} (as it stands)`)],
        strategy: { name: "append", reason: "a streaming table reads each row once" },
        steps: streamSteps(flow),
        sql: sqlOf(flow),
      };
    case "view": {
      const view = planOfView(flow);
      const strategy = viewStrategy(view);
      return {
        ...common,
        inputs: flow.inputs.map((table) => table.name),
        strategy,
        steps: viewSteps(view, strategy.name),
        sql: sqlOf(flow),
      };
    }
    default:
      return unreachable(flow);
  }
}

function streamSteps(flow: Extract<DeclaredFlow, { kind: "stream" }>): string[] {
  const plan = streamingPlan(flow.query);
  const drops = flow.expectations.filter((rule) => rule.action === "drop").map((rule) => rule.name);
  const fails = flow.expectations.filter((rule) => rule.action === "fail").map((rule) => rule.name);
  return [
    "parse and compute row by row; rows with an error → quarantine MALFORMED",
    ...(plan.watermark === undefined
      ? []
      : [
          `rows more than ${plan.watermark.delayMs / 1000} s behind the latest ${plan.watermark.eventTime} of their lane → ${plan.watermark.late === "count" ? "counted" : "quarantine LATE"}`,
        ]),
    ...(fails.length === 0 ? [] : [`rows that break ${fails.join(", ")} stop the flow`]),
    ...(drops.length === 0 ? [] : [`rows that break ${drops.join(", ")} → quarantine EXPECTATION`]),
    ...(plan.deduplicate === undefined
      ? []
      : [
          `rows whose ${plan.deduplicate.keys.join(", ")} was kept within ${(plan.watermark?.delayMs ?? 0) / 1000} s of event time are duplicates`,
        ]),
    "append what is left",
  ];
}

/** The best way there is for the query; which one a batch takes depends on what changed. */
function viewStrategy(view: ViewPlan): Explanation["strategy"] {
  switch (view.kind) {
    case "full":
      return { name: "full", reason: view.reason };
    case "changes":
      return changesStrategy(view);
  }
}

function changesStrategy(view: ChangingView): Explanation["strategy"] {
  const { replaces, operators } = view;
  const by =
    replaces.kind === "none" || replaces.keys.length === 0
      ? undefined
      : replaces.keys.map(({ output }) => output).join(", ");
  const keys = by === undefined ? "the one group" : `the groups of ${by}`;
  if (replaces.kind === "none")
    return { name: "append", reason: `new rows are added; where rows were removed, in full: ${replaces.reason}` };
  if (isOnlyRows(view))
    return {
      name: "append",
      reason: `new rows make new rows; where rows were removed, those with the same ${by} are made anew; ${large}`,
    };
  if (replaces.kind === "columns" || replaces.at.kind !== "group")
    return { name: "recompute-keys", reason: `rows of ${by} that a change touches are made anew; ${large}` };
  if (!operators.every((operator) => modeFor(operator, true) === "merge"))
    return {
      name: "recompute-keys",
      reason: `${keys} that a change touches are computed again from their rows; ${large}`,
    };
  const takesBack = operators.every((operator) => modeFor(operator, false) === "merge");
  return {
    name: "merge-partials",
    reason: `a change is added to ${keys} that it touches${takesBack ? "" : "; where rows were removed, they are computed again from their rows"}; ${large}`,
  };
}

/** True where new rows of any input are but new rows of the view. */
function isOnlyRows(view: ChangingView): boolean {
  return [...viewNodes(view.root)].every(
    (node) =>
      node.kind === "scan" ||
      node.kind === "rows" ||
      node.kind === "union" ||
      (node.kind === "join" && (node.node.type === "inner" || node.node.type === "cross")),
  );
}

const large = "more than half of the input: in full";

function viewSteps(view: ViewPlan, strategy: string): string[] {
  switch (strategy) {
    case "append":
      return ["compute the query for the rows that were added", "append them, in one commit"];
    case "recompute-keys":
      return [
        "find the keys of the changed rows",
        "compute the query for those keys only",
        "rewrite the files that hold them, in one commit",
      ];
    case "merge-partials":
      return [
        "sum up the changed rows by key, those that were removed with the weight −1",
        ...(view.kind === "changes"
          ? view.operators.map(({ name }) => `add them to the groups of ${name} in its hidden table`)
          : []),
        "rewrite the files of the touched groups, hidden tables first, each in one commit",
      ];
    default:
      return ["compute the query over the inputs as they stand", "replace the table's files in one commit"];
  }
}

function sqlOf(flow: Extract<DeclaredFlow, { kind: "stream" | "view" }>): string {
  return renderPlan(flow.query, {
    dialect: "duckdb",
    relations: (source) => `"${source}"`,
    parameters: { current_timestamp: "1970-01-01T00:00:00.000000Z" },
    rowErrors: "fail",
  });
}
