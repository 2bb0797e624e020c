/** Resolves a pipeline's flows for the engine: names into paths, places and schemas. */
import { DyneError } from "../core/index.ts";
import { quarantineSchema, tablePath, type DeclaredTable, type Flow, type Pipeline } from "../pipeline/index.ts";
import { checkStreaming } from "../plan/index.ts";
import type { DeclaredFlow, StreamSource, TableLocation } from "./declared-flow.ts";
import { column } from "./incremental/expressions.ts";

/** The pipeline's flows in the order of its graph. */
export function declaredFlows(pipeline: Pipeline): readonly DeclaredFlow[] {
  const writers = new Map(pipeline.flows.map((flow) => [flow.output.name as string, flow]));
  const writerOf = (table: string): Flow => {
    const writer = writers.get(table);
    if (writer === undefined)
      throw new DyneError(
        "INVALID_PIPELINE",
        `No flow of ${pipeline.name} writes ${table}. Add the table to the pipeline.`,
      );
    return writer;
  };
  return pipeline.flows.map((flow) => declaredFlow(flow, writerOf));
}

function declaredFlow(flow: Flow, writerOf: (table: string) => Flow): DeclaredFlow {
  const { output: table } = flow;
  const common = {
    id: flow.id,
    fingerprint: flow.fingerprint,
    minIntervalMs: flow.minIntervalMs,
    output: location(table),
  };
  const quarantine: TableLocation = {
    name: table.name,
    path: tablePath(table.name, "quarantine"),
    schema: quarantineSchema,
    partitionBy: [],
  };
  if (table.source?.kind === "eventHub") {
    const { hub, startingPosition, failOnDataLoss } = table.source;
    return { kind: "hub", ...common, hub, startingPosition, failOnDataLoss };
  }
  if (table.source?.kind === "files") {
    const { glob, format, schema, maxFileAgeMs } = table.source;
    return { kind: "files", ...common, glob, format, dataSchema: schema, maxFileAgeMs, quarantine };
  }
  const query = table.query;
  if (query === undefined)
    throw new DyneError("INVALID_PIPELINE", `${table.name} has neither a source nor a query. Give it one of them.`);
  if (table.kind === "materializedView") {
    const inputs = [...new Set(flow.inputs.map((input) => input.table as string))].map((name) =>
      location(writerOf(name).output),
    );
    return { kind: "view", ...common, query, inputs, refresh: table.refresh };
  }
  const { stream, statics } = checkStreaming(query);
  return {
    kind: "stream",
    ...common,
    query,
    stream: streamSource(writerOf(stream.source)),
    statics: [...new Set(statics.map((scan) => scan.source))].map((name) => location(writerOf(name).output)),
    expectations: table.expectations,
    quarantine,
  };
}

function location(table: DeclaredTable): TableLocation {
  return { name: table.name, path: tablePath(table.name), schema: table.schema, partitionBy: table.partitionBy };
}

/** Bronze says in public columns where a row stood and when it arrived; other tables know the lane by their files. */
function streamSource(writer: Flow): StreamSource {
  const table = location(writer.output);
  switch (writer.kind) {
    case "hub":
      return {
        ...table,
        writtenBy: writer.id,
        place: { lane: column("partition"), position: column("sequence_number"), arrival: column("enqueued_time") },
      };
    case "files":
      return {
        ...table,
        writtenBy: writer.id,
        place: { lane: undefined, position: undefined, arrival: column("file_modification_time") },
      };
    default:
      return { ...table, writtenBy: writer.id, place: { lane: undefined, position: undefined, arrival: undefined } };
  }
}
