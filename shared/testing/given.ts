/** What a test is given, looked at before anything happens: a test that does nothing would pass. TypeScript refuses the same, JavaScript does not. */
import { DyneError, nearestName, shown } from "../core/index.ts";
import type { Pipeline } from "../pipeline/index.ts";
import { globPrefix } from "../sources/index.ts";
import type { Action } from "./action.ts";

const options = ["seed", "startTime", "bySize"] as const;

/** Errors: INVALID_ARGUMENT for what is no pipeline, an option that there is not, and a seed that is no whole number. */
export function testGiven(pipeline: Pipeline, given: object): void {
  if (!isObject(pipeline) || !Array.isArray(pipeline["tables"]) || !Array.isArray(pipeline["flows"]))
    throw wrong(`PipelineTest.open is given ${shown(pipeline)}. Give a pipeline, which definePipeline(…) makes.`);
  if (!isObject(given))
    throw wrong(
      `The options of PipelineTest.open are ${shown(given)}. Give an object with some of ${options.join(", ")}.`,
    );
  const unknown = Object.keys(given).find((name) => !(options as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const nearest = nearestName(unknown, options);
    throw wrong(
      `There is no option "${unknown}" of PipelineTest.open. ${nearest === undefined ? `There are ${options.join(", ")}.` : `Did you mean ${nearest}?`}`,
    );
  }
  const { seed } = given;
  if (seed !== undefined && !Number.isSafeInteger(seed)) throw wrong(`seed is ${shown(seed)}. Give a whole number.`);
}

/** Errors: INVALID_ARGUMENT for what is no list of actions. */
export function actionsGiven(actions: readonly Action[]): void {
  const given: unknown = actions;
  if (!Array.isArray(given))
    throw wrong(`run is given ${shown(given)}. Give a list of actions, such as [processAllAvailable()].`);
  for (const [index, action] of given.entries()) {
    if (isObject(action) && typeof action["kind"] === "string" && "site" in action) continue;
    const remedy =
      typeof action === "function"
        ? `Call it: ${action.name || "processAllAvailable"}(…).`
        : "Give what a function of dyne/testing makes.";
    throw wrong(`Action ${index + 1} of ${given.length} is ${shown(action)}, not an action. ${remedy}`);
  }
}

/** The rows. Errors: INVALID_ARGUMENT for what is no list. */
export function rowsGiven<Row>(rows: readonly Row[], action: string): readonly Row[] {
  if (Array.isArray(rows)) return rows;
  throw wrong(`${action} is given ${shown(rows)} as rows. Give a list, also of one.`);
}

/** Errors: INVALID_ARGUMENT for a path below no place that a table of the pipeline is fed from. A file that its pattern leaves out may land there. */
export function landingGiven({ name, tables }: Pick<Pipeline, "name" | "tables">, path: string): void {
  const globs = tables.flatMap(({ source }) => (source?.kind === "files" ? [source.glob] : []));
  if (globs.some((glob) => path.startsWith(globPrefix(glob)))) return;
  const there = globs.length === 0 ? "none is fed by files" : `they are fed from ${globs.join(", ")}`;
  throw wrong(`No table of the pipeline ${name} is fed from ${shown(path)}: ${there}.`);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const wrong = (message: string): DyneError => new DyneError("INVALID_ARGUMENT", message);
