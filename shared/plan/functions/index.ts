/** The one table of functions: type rules and spellings per dialect. */
import { DyneError } from "../../core/errors.ts";
import { aggregates } from "./aggregates.ts";
import { arithmetic } from "./arithmetic.ts";
import { byteFunctions } from "./bytes.ts";
import { calendarFunctions } from "./calendar.ts";
import { collectionFunctions } from "./collections.ts";
import { comparisons } from "./comparison.ts";
import { decimalMeans } from "./decimals.ts";
import { distanceFunctions } from "./edit-distance.ts";
import { groupedNumbers } from "./grouped-numbers.ts";
import { guardFunctions } from "./guard.ts";
import type {
  AggregateFunction,
  FunctionDefinition,
  HigherOrderFunction,
  ScalarFunction,
  WindowFunction,
} from "./function-definition.ts";
import { hashFunctions } from "./hashes.ts";
import { higherOrderFunctions } from "./higher-order.ts";
import { logicFunctions } from "./logic.ts";
import { makingFunctions } from "./making-collections.ts";
import { nestedFunctions } from "./nested.ts";
import { numberFunctions } from "./numbers.ts";
import { patternFunctions } from "./patterns.ts";
import { statistics } from "./statistics.ts";
import { textFormFunctions } from "./text-forms.ts";
import { textFunctions } from "./text.ts";
import { timeTextFunctions } from "./time-text.ts";
import { timeFunctions } from "./time.ts";
import { timeWindows } from "./time-windows.ts";
import { windowFunctions } from "./windows.ts";

export type * from "./function-definition.ts";
export { commonType, isMismatch } from "./type-rules.ts";

/** Functions that belong together, under a title for people. */
export interface FunctionGroup {
  readonly title: string;
  readonly functions: readonly FunctionDefinition[];
}

/** All groups, in the order in which they are told. */
export const functionGroups: readonly FunctionGroup[] = Object.freeze([
  { title: "Comparisons", functions: comparisons },
  { title: "Conditions and NULL", functions: logicFunctions },
  { title: "Arithmetic", functions: arithmetic },
  { title: "Numbers", functions: numberFunctions },
  { title: "Text", functions: [...textFunctions, ...groupedNumbers, ...textFormFunctions, ...distanceFunctions] },
  { title: "Regular expressions", functions: patternFunctions },
  { title: "Bytes and digests", functions: [...byteFunctions, ...hashFunctions] },
  {
    title: "Dates and times",
    functions: [...timeFunctions, ...calendarFunctions, ...timeTextFunctions, ...timeWindows],
  },
  { title: "Arrays and maps", functions: [...collectionFunctions, ...makingFunctions] },
  { title: "Lambdas of elements", functions: higherOrderFunctions },
  { title: "Structs and JSON", functions: nestedFunctions },
  { title: "Guards", functions: guardFunctions },
  { title: "Kept values", functions: decimalMeans },
  { title: "Aggregates", functions: [...aggregates, ...statistics] },
  { title: "Windows", functions: windowFunctions },
]);

/** Every function that a plan may call, in the order of the groups. */
export const functionTable: readonly FunctionDefinition[] = Object.freeze(
  functionGroups.flatMap(({ functions }) => functions),
);

const byKindAndName = new Map(functionTable.map((definition) => [`${definition.kind} ${definition.name}`, definition]));

function find<Definition extends FunctionDefinition>(kind: Definition["kind"], name: string): Definition {
  const definition = byKindAndName.get(`${kind} ${name}`);
  if (definition === undefined) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `There is no ${kind === "higherOrder" ? "higher-order" : kind} function "${name}". Use one of those that the package exports.`,
    );
  }
  return definition as Definition;
}

/** The scalar function of a name. Errors: UNSUPPORTED_FEATURE. */
export const scalarFunction = (name: string): ScalarFunction => find<ScalarFunction>("scalar", name);
/** The aggregate of a name. Errors: UNSUPPORTED_FEATURE. */
export const aggregateFunction = (name: string): AggregateFunction => find<AggregateFunction>("aggregate", name);
/** The function with lambdas of a name. Errors: UNSUPPORTED_FEATURE. */
export const higherOrderFunction = (name: string): HigherOrderFunction =>
  find<HigherOrderFunction>("higherOrder", name);
/** The window function of a name. Errors: UNSUPPORTED_FEATURE. */
export const windowFunction = (name: string): WindowFunction => find<WindowFunction>("window", name);
