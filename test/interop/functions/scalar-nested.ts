import {
  boolean,
  date,
  getJsonObject,
  integer,
  long,
  namedStruct,
  string,
  timestamp,
  toJson,
} from "../../../shared/plan/index.ts";
import { given, probe } from "./probe.ts";

const paths = [
  ...["$.a", "$['a']", "$.a.b", "$.a['b c']", "$.a[0]", "$.a[1]", "$.a[0].b", "$.a[2].c", "$.a[0][1]", "$.a[007]"],
  ...["$.0", "$.a.0", "$.é", "$['a.b']", '$.a"b', "$['a\\b']", "$.o'k", "$.zz", "$.A"],
];
const scalars = [
  ...["1", "-1", "0", "-0", "123456789012345678901234567890", "9223372036854775808", "true", "false", "null"],
  ...["1.50", "-0.0", "1e10", "1E-4", "-12345678.9", "0.001", "9999999.9", "1e7", "1.123456789012345678901", "1e22"],
  ...["1.7976931348623157e308", "-1e400", "1e-400", "-2.5e-7", "12345678901234567.5", "100000000000000000000.0"],
  ...['""', '"x"', '"1"', '"null"', '"é\\u00e9🤦\\ud83e\\udd26"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"nan, ]"'],
];
const objects = [
  ...["{}", "[]", "[null]", "[ 1 , null,2.50 ]", "[[1,2],[3]]", '[{"b":1},{"b":null}, {"c":"d"}]', "[0,1,2,3,4,5,6,7]"],
  ...['{"b":1}', '{"b" : {"c":[1, "x"]} , "b c":null}', '{"b c":"\\u001f\\u007f\\/ \\" ü","0":"k"}'],
];
/** No JSON, or none that has a field `a`. */
const others = [
  ...[
    "",
    " ",
    '{"a":1',
    '{"a":1,}',
    '{"a":[1,]}',
    '{"a":NaN}',
    '{"a":[-Infinity]}',
    '{"a":01}',
    '{"a":.5}',
    "nul",
    "\\",
  ],
  ...['{"a":1,"b":tru}', '{"a":5.}', '{"a":+5}', '{"a":"\\x"}', "{a:1}", '/*c*/{"a":1}', '\u{feff}{"a":1}'],
  ...['  {"b":1} ', "12", '"x"', "null", "1.0", '[null,{"a":"b"}]', '["x"]', '{"0":"k","é":"e","a.b":1,"A":2}'],
  `{"a\\"b":3,"a\\\\b":4,"o'k":5,"\\u0061":6}`,
];
const within = (value: string): string => `{"z":[1,{"a":0}],"a":${value},"y":"inf"}`;

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
  probe(
    "values at paths of JSON",
    { json: given(string(), ...[...scalars, ...objects].map(within), ...others) },
    ({ json }) => Object.fromEntries(paths.map((path) => [path, getJsonObject(json, path)])),
  ),
  probe(
    "JSON as a whole",
    { json: given(string(), ...objects, ...objects.map(within), ...scalars, ...others) },
    ({ json }) => Object.fromEntries(["$", "$[0]", "$[1].a"].map((path) => [path, getJsonObject(json, path)])),
  ),
];
