import type { DataType } from "../types.ts";
import type { WindowFunction } from "./function-definition.ts";
import { anything, exactly } from "./type-rules.ts";

function neighbour(name: "lag" | "lead"): WindowFunction {
  const call = ([value, rows]: readonly string[]): string => `${name}(${value}, ${rows})`;
  return {
    kind: "window",
    name,
    deterministic: true,
    exactness: "exact",
    type: (args) => {
      const typed = anything(2, 2, ([type]) => type as DataType)(args);
      return "mismatch" in typed || args[1]?.kind === "integer" ? typed : { mismatch: "needs a whole number of rows" };
    },
    sql: { duckdb: call, spark: call },
  };
}

/** Functions of a window. Their order is made total by the renderer: the order given, then every column. */
export const windowFunctions = [
  {
    kind: "window",
    name: "row_number",
    deterministic: true,
    exactness: "exact",
    type: exactly([], { kind: "integer" }),
    sql: { duckdb: () => "row_number()", spark: () => "row_number()" },
  },
  neighbour("lag"),
  neighbour("lead"),
] as const satisfies readonly WindowFunction[];
