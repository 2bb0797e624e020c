/** All cases of test:interop. */
export * from "./case.ts";
import type { InteropCase } from "./case.ts";
import { writtenHere } from "./written-here.ts";
import { writtenThere } from "./written-there.ts";

export const interopCases: readonly InteropCase[] = [...writtenHere, ...writtenThere];
