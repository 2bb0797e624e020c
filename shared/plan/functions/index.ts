/** The one table of functions: type rules and spellings per dialect. */
import { DyneError } from "../../core/errors.ts";
import { aggregates } from "./aggregates.ts";
import { arithmetic } from "./arithmetic.ts";
import { comparisons } from "./comparison.ts";
import { guardFunctions } from "./guard.ts";
import type { AggregateFunction, FunctionDefinition, ScalarFunction, WindowFunction } from "./function-definition.ts";
import { logicFunctions } from "./logic.ts";
import { nestedFunctions } from "./nested.ts";
import { textFunctions } from "./text.ts";
import { timeFunctions } from "./time.ts";
import { timeWindows } from "./time-windows.ts";
import { windowFunctions } from "./windows.ts";

export type * from "./function-definition.ts";
export { commonType, isMismatch } from "./type-rules.ts";

/** Every function that a plan may call, in the order of the groups. */
export const functionTable: readonly FunctionDefinition[] = Object.freeze([
  ...comparisons,
  ...logicFunctions,
  ...arithmetic,
  ...textFunctions,
  ...timeFunctions,
  ...timeWindows,
  ...nestedFunctions,
  ...guardFunctions,
  ...aggregates,
  ...windowFunctions,
]);

const byKindAndName = new Map(functionTable.map((definition) => [`${definition.kind} ${definition.name}`, definition]));

function find<Definition extends FunctionDefinition>(kind: Definition["kind"], name: string): Definition {
  const definition = byKindAndName.get(`${kind} ${name}`);
  if (definition === undefined) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `There is no ${kind} function "${name}". Use one of those that the package exports.`,
    );
  }
  return definition as Definition;
}

/** The scalar function of a name. Errors: UNSUPPORTED_FEATURE. */
export const scalarFunction = (name: string): ScalarFunction => find<ScalarFunction>("scalar", name);
/** The aggregate of a name. Errors: UNSUPPORTED_FEATURE. */
export const aggregateFunction = (name: string): AggregateFunction => find<AggregateFunction>("aggregate", name);
/** The window function of a name. Errors: UNSUPPORTED_FEATURE. */
export const windowFunction = (name: string): WindowFunction => find<WindowFunction>("window", name);
