import { DyneError } from "../core/index.ts";
import type { Pipeline } from "./pipeline.ts";

/**
 * Checks what no pipeline can know alone: names of pipelines, and of tables over all of them, are unique, because a table's name is its
 * path. Errors: DUPLICATE_NAME naming both pipelines.
 */
export function checkTogether(pipelines: readonly Pipeline[]): void {
  const names = new Set<string>();
  const owners = new Map<string, string>();
  for (const pipeline of pipelines) {
    if (names.has(pipeline.name)) {
      throw new DyneError("DUPLICATE_NAME", `Two pipelines are called ${pipeline.name}. Rename one of them.`);
    }
    names.add(pipeline.name);
    for (const { name } of pipeline.tables) {
      const owner = owners.get(name);
      if (owner !== undefined) {
        throw new DyneError(
          "DUPLICATE_NAME",
          `The pipelines ${owner} and ${pipeline.name} both declare ${name}. Rename it in one of them, or put both into one pipeline.`,
        );
      }
      owners.set(name, pipeline.name);
    }
  }
}
