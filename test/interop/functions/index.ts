/** All probes of the table of functions. */
import type { Probe } from "./probe.ts";
import { aggregateProbes } from "./aggregates.ts";
import { collectionProbes } from "./scalar-collections.ts";
import { conditionProbes } from "./scalar-conditions.ts";
import { lambdaProbes } from "./scalar-lambdas.ts";
import { decimalProbes } from "./scalar-decimals.ts";
import { formProbes } from "./scalar-forms.ts";
import { hashProbes } from "./scalar-hashes.ts";
import { roundingProbes } from "./scalar-rounding.ts";
import { nestedProbes } from "./scalar-nested.ts";
import { numberProbes } from "./scalar-numbers.ts";
import { textProbes } from "./scalar-text.ts";
import { timeProbes } from "./scalar-times.ts";

export { functionsOf } from "./probe.ts";
export type { Probe } from "./probe.ts";

export const probes: readonly Probe[] = [
  ...conditionProbes,
  ...numberProbes,
  ...roundingProbes,
  ...decimalProbes,
  ...textProbes,
  ...formProbes,
  ...hashProbes,
  ...timeProbes,
  ...nestedProbes,
  ...collectionProbes,
  ...lambdaProbes,
  ...aggregateProbes,
];
