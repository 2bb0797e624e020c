/** What users call: tables, sources, expectations, and with them the DataFrame, its functions and its types. */
export { fileBronzeSchema, fileProvenanceSchema, hubBronzeSchema, quarantineSchema, withPlace } from "./bronze.ts";
export type { FileProvenanceTypes, HubBronzeTypes } from "./bronze.ts";
export { drop, fail, warn } from "./expectation.ts";
export type { Expectation, ExpectationAction, Rule } from "./expectation.ts";
export { consumerGroups, manifest, manifestSchema, parseManifest, queues, tablePath } from "./manifest.ts";
export type { Manifest } from "./manifest.ts";
export { definePipeline } from "./pipeline.ts";
export type { Flow, FlowInput, Lanes, Pipeline } from "./pipeline.ts";
export { eventHub, files } from "./source.ts";
export type { EventHubSource, FileFormat, FilesSource } from "./source.ts";
export { materializedView, streamingTable } from "./table.ts";
export { checkTogether } from "./together.ts";
export type { DeclaredTable, Rules, TableOptions } from "./table.ts";

export * from "../plan/dataframe/index.ts";
export {
  array,
  binary,
  boolean,
  byte,
  date,
  decimal,
  double,
  float,
  integer,
  long,
  map,
  short,
  string,
  struct,
  timestamp,
  timestampNtz,
} from "../plan/index.ts";
export type { DataType, Schema, StructOf } from "../plan/index.ts";
