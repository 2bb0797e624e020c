/**
 * Files that check.mjs plants into a copy of the sources. With `rule`, that rule must be broken by the file; without,
 * none may be. Targets are planted too, so that the list does not depend on what the rooms hold.
 */
const target = "export interface Shape { readonly name: string }\nexport const value = 1;\n";
const importing = (path) => `import { value } from "${path}";\nexport const planted = value;\n`;
const importingType = (path) => `import type { Shape } from "${path}";\nexport const planted: Shape = { name: "x" };\n`;

const rooms = "core storage plan delta checkpoint compute table sources pipeline engine serving runtime".split(" ");

export const planted = [
  ...rooms.map((room) => ({ path: `shared/${room}/planted-target.ts`, text: target })),
  { path: "pipelines/planted-target.ts", text: target },
  { path: "local/planted-target.ts", text: target },

  { path: "shared/core/planted-a.ts", text: importing("../storage/planted-target.ts"), rule: "shared-core" },
  { path: "shared/storage/planted-a.ts", text: importing("../core/planted-target.ts") },
  { path: "shared/storage/planted-b.ts", text: importing("../delta/planted-target.ts"), rule: "shared-storage" },
  { path: "shared/plan/planted-a.ts", text: importingType("../pipeline/planted-target.ts"), rule: "shared-plan" },
  { path: "shared/delta/planted-a.ts", text: importingType("../plan/planted-target.ts") },
  {
    path: "shared/delta/planted-b.ts",
    text: importing("../plan/planted-target.ts"),
    rule: "shared-delta-types-of-plan",
  },
  {
    path: "shared/delta/planted-c.ts",
    text: importingType("../plan/planted-target.ts") + 'export { value } from "../plan/planted-target.ts";\n',
    rule: "shared-delta-types-of-plan",
  },
  { path: "shared/checkpoint/planted-a.ts", text: importing("../plan/planted-target.ts"), rule: "shared-checkpoint" },
  { path: "shared/compute/planted-a.ts", text: importing("../plan/planted-target.ts") },
  {
    path: "shared/compute/planted-b.ts",
    text: importing("../delta/planted-target.ts"),
    rule: "shared-compute-types-of-delta",
  },
  { path: "shared/table/planted-a.ts", text: importing("../checkpoint/planted-target.ts"), rule: "shared-table" },
  { path: "shared/sources/planted-a.ts", text: importing("../engine/planted-target.ts"), rule: "shared-sources" },
  { path: "shared/pipeline/planted-a.ts", text: importing("../storage/planted-target.ts"), rule: "shared-pipeline" },
  { path: "shared/engine/planted-a.ts", text: importing("../serving/planted-target.ts"), rule: "shared-engine" },
  { path: "shared/engine/planted-b.ts", text: importing("../sources/planted-target.ts") },
  { path: "shared/serving/planted-a.ts", text: importing("../engine/planted-target.ts"), rule: "shared-serving" },
  { path: "shared/runtime/planted-a.ts", text: importing("../../pipelines/planted-target.ts"), rule: "shared-runtime" },
  { path: "shared/runtime/planted-b.ts", text: importing("../engine/planted-target.ts") },
  { path: "shared/planted-room/planted-a.ts", text: importing("../core/planted-target.ts"), rule: "shared-known-room" },

  { path: "functions/planted-a.ts", text: importing("../shared/engine/planted-target.ts"), rule: "functions" },
  { path: "functions/planted-b.ts", text: importing("../shared/runtime/planted-target.ts") },
  { path: "cli/planted-a.ts", text: importing("../shared/table/planted-target.ts"), rule: "cli" },
  { path: "cli/planted-b.ts", text: importing("../shared/table/index.ts") },
  { path: "local/planted-c.ts", text: importing("../shared/delta/snapshot.ts"), rule: "local" },
  { path: "local/planted-a.ts", text: importing("../shared/storage/planted-target.ts"), rule: "local" },
  { path: "infra/planted-a.ts", text: importing("../shared/runtime/planted-target.ts"), rule: "infra" },
  { path: "infra/planted-b.ts", text: importing("../shared/pipeline/planted-target.ts") },
  { path: "pipelines/planted-a.ts", text: importing("../shared/pipeline/planted-target.ts"), rule: "pipelines" },

  { path: "shared/core/planted-ring-a.ts", text: importing("./planted-ring-b.ts"), rule: "no-cycles" },
  {
    path: "shared/core/planted-ring-b.ts",
    text: 'export { planted as again } from "./planted-ring-a.ts";\nexport const value = 1;\n',
  },
  { path: "shared/core/planted-lost.ts", text: importing("./planted-nowhere.ts"), rule: "no-unresolved" },
  {
    path: "shared/table/planted-library.ts",
    text: 'export { DuckDBInstance } from "@duckdb/node-api";\n',
    rule: "library-duckdb-node-api",
  },
  { path: "shared/core/planted-dev.ts", text: 'export { default } from "fast-check";\n', rule: "no-dev-library" },
];
