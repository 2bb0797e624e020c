import type { DataType } from "../types.ts";
import type { ScalarFunction } from "./function-definition.ts";

/**
 * `guarded(value, condition, rule, row)`: the value, where the condition is true. Where it is false or NULL, the row breaks a rule of its
 * table, and the query stops with `CONSTRAINT_VIOLATED: <rule>`, a line break, and `<row>`: two texts that have no line breaks.
 */
export const guardFunctions = [
  {
    kind: "scalar",
    name: "guarded",
    deterministic: true,
    exactness: "exact",
    doc: undefined,
    type: (args) => {
      const [value, condition, rule, row] = args;
      const fits = condition?.kind === "boolean" && rule?.kind === "string" && row?.kind === "string";
      return args.length === 4 && fits
        ? { result: value as DataType, args }
        : { mismatch: "needs a value, a condition, and the texts of rule and row" };
    },
    sql: {
      // The text of the row stands in the error alone, so that it is made for no other row.
      duckdb: ([value, condition, rule, row]) => ({
        sql: value as string,
        errors: [
          {
            when: `(${condition}) IS NOT TRUE`,
            message: `${rule} || chr(10) || ${row}`,
            code: "CONSTRAINT_VIOLATED",
          },
        ],
      }),
      spark: ([value, condition, rule, row]) =>
        `CASE WHEN ${condition} THEN ${value} ELSE raise_error(concat('CONSTRAINT_VIOLATED: ', ${rule}, char(10), ${row})) END`,
    },
  },
] as const satisfies readonly ScalarFunction[];
