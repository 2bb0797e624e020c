import { boolean, date, integer, long, namedStruct, string, timestamp, toJson } from "../../../shared/plan/index.ts";
import { given, probe } from "./probe.ts";

/** Structs and JSON. */
export const nestedProbes = [
  probe("structs", { a: integer(), b: string() }, ({ a, b }) => ({
    struct: namedStruct({ a, b, inner: namedStruct({ a }) }),
    field: namedStruct({ a, b }).fields.b,
  })),
  probe(
    "JSON of structs",
    {
      a: long(),
      b: given(string(), "", "x", 'é "q" \\ \n', "🤦"),
      c: boolean(),
      d: given(date(), "2024-02-29", "0001-01-01"),
      t: given(timestamp(), "2024-02-29T01:02:03.456789Z"),
    },
    ({ a, b, c, d, t }) => ({ json: toJson(namedStruct({ a, b, c, d, t, inner: namedStruct({ b }) })) }),
  ),
];
