/** Resolves a pipeline's flows for the engine: names into paths, places and schemas. */
import { DyneError, placeColumn } from "../core/index.ts";
import {
  quarantineSchema,
  tablePath,
  withPlace,
  type DeclaredTable,
  type Flow,
  type Pipeline,
} from "../pipeline/index.ts";
import { checkStreaming, type Expression } from "../plan/index.ts";
import type { DeclaredFlow, StreamSource, TableLocation } from "./declared-flow.ts";
import { call, column } from "./incremental/expressions.ts";

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
    return { kind: "view", ...common, query, inputs, refresh: table.refresh, dutyCycle: flow.dutyCycle };
  }
  const { stream, statics } = checkStreaming(query);
  return {
    kind: "stream",
    ...common,
    query,
    stream: streamSource(writerOf(stream.source)),
    statics: [...new Set(statics.map((scan) => scan.source))].map((name) => location(writerOf(name).output)),
    carriesPlace: flow.carriesPlace,
    expectations: table.expectations,
    quarantine,
  };
}

function location(table: DeclaredTable): TableLocation {
  return { name: table.name, path: tablePath(table.name), schema: table.schema, partitionBy: table.partitionBy };
}

/**
 * Bronze says in public columns where a row stood and when it arrived; tables below it in a hidden one where somebody needs it, and
 * otherwise know the lane by their files. Rows that were written before a table had the hidden column are placed by their files too.
 */
function streamSource(writer: Flow): StreamSource {
  const table = { ...location(writer.output), storedSchema: writer.output.schema };
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
    default: {
      const none = { lane: undefined, position: undefined, arrival: undefined };
      if (!writer.carriesPlace) return { ...table, writtenBy: writer.id, place: none };
      const part = (name: string): Expression => ({ kind: "field", input: column(placeColumn), name });
      return {
        ...table,
        storedSchema: withPlace(writer.output.schema),
        writtenBy: writer.id,
        place: {
          lane: call("coalesce", part("lane"), column("_lane")),
          position: call("coalesce", part("position"), column("_row_index")),
          arrival: part("arrival"),
        },
      };
    }
  }
}
