/** Values at the ends of their types, in files and as partition values, and what statistics say of them. */
import { expect } from "vitest";
import { schemaString } from "../../../shared/delta/index.ts";
import {
  binary,
  boolean,
  byte,
  date,
  decimal,
  double,
  float,
  integer,
  long,
  short,
  string,
  struct,
  timestamp,
  timestampNtz,
  type DataType,
} from "../../../shared/plan/index.ts";
import { appendTexts } from "../dyne-steps.ts";
import { canonicalRows } from "../same-rows.ts";
import { peerNames, type PeerName, type World } from "../world.ts";
import type { Check, WrittenHere } from "./case.ts";
import { sameRows, statements } from "./checks.ts";
import { create, schemaOf, type Properties } from "./plain-table.ts";

interface Listed {
  readonly types: Readonly<Record<string, DataType>>;
  readonly partitionBy?: readonly string[];
  /** Each list of rows is one version, and one file in each of its partitions. */
  readonly appends: readonly (readonly string[])[];
  readonly configuration?: Properties;
}

/** A table of dyne's own whose columns and rows are these. */
function listed(feature: string, listing: Listed, more: Partial<WrittenHere> = {}): WrittenHere {
  const { types, partitionBy = [], appends, configuration = {} } = listing;
  const schema = schemaOf(types);
  return {
    kind: "here",
    feature,
    fromCheckpoint: true,
    async write(world, path) {
      const session = world.session(path);
      await create(session, { schema, partitionBy }, configuration);
      for (const rows of appends) await appendTexts(world, session, schemaString(schema), rows);
      return { versions: [[], ...appends.map((_, i) => appends.slice(0, i + 1).flat())] };
    },
    ...more,
  };
}

const specialValues = [
  "100%",
  "a/b",
  "a b",
  "a+b",
  "a?b#c",
  "a:b",
  "a\\b",
  "{x}[y]",
  "äöü",
  "%2F",
  "x=y",
  "'",
  '"',
  "😀",
  "~",
  "a*b",
  " ",
  ".",
  "..",
  "a\nb",
  "__HIVE_DEFAULT_PARTITION__x",
];

interface Filtered {
  readonly rows: readonly string[];
  /** Spark's alone: those found by looking at every row, and how many files were read. */
  readonly looked?: readonly string[];
  readonly files?: number;
}

/**
 * That a peer finds for each condition the rows that Spark finds by looking at every row, and dyne too; and that Spark reads only so many files
 * for it: those that statistics cannot tell to be without such rows.
 */
async function findsRows(
  world: World,
  path: string,
  filters: Readonly<Record<string, number>>,
  without: Partial<Record<PeerName, readonly string[]>>,
): Promise<void> {
  const where = Object.keys(filters);
  const found = (await world.peers.Spark.ask("filtered", { path, where })) as readonly Filtered[];
  const truth = found.map(({ looked }) => canonicalRows(looked!));
  for (const peer of peerNames) {
    const asked = where.filter((condition) => without[peer]?.includes(condition) !== true);
    const answers =
      peer === "Spark" ? found : ((await world.peers[peer].ask("filtered", { path, where: asked })) as Filtered[]);
    for (const [i, condition] of asked.entries())
      expect(canonicalRows(answers[i]!.rows), `${peer}: ${condition}`).toEqual(truth[where.indexOf(condition)]);
  }
  for (const [i, condition] of where.entries())
    expect(canonicalRows(await world.read(path, undefined, condition)), `dyne: ${condition}`).toEqual(truth[i]);
  expect(Object.fromEntries(where.map((condition, i) => [condition, found[i]!.files]))).toEqual(filters);
}

const filtered = (
  filters: Readonly<Record<string, number>>,
  without: Partial<Record<PeerName, readonly string[]>> = {},
): Pick<WrittenHere, "checks"> => ({
  checks: {
    "conditions find the rows that there are, in the files that can have them": (world, path) =>
      findsRows(world, path, filters, without),
  },
});

/** Files that dyne names in the log are removed by delta-rs, and by Spark, under the same names. */
const removedByPeers: Check = async (world, path, { versions }) => {
  await world.peers["delta-rs"].ask("delete", { path, where: "id % 3 = 1" });
  await statements(world, path, "DELETE FROM {t} WHERE id % 3 = 2");
  const left = canonicalRows(versions.at(-1)!.filter((row) => (JSON.parse(row) as { id: number }).id % 3 === 0));
  expect(await sameRows(world, path)).toEqual(left);
  expect(canonicalRows((await world.peers["delta-rs"].ask("read", { path })) as string[])).toEqual(left);
};

const partitions: readonly WrittenHere[] = [
  listed(
    "partitions with special characters",
    {
      types: { id: long(), "the-key": string(), "Größe:%/'\"": integer() },
      partitionBy: ["the-key", "Größe:%/'\""],
      appends: [
        [...specialValues, null].map((value, id) => JSON.stringify({ id, "the-key": value, "Größe:%/'\"": id % 2 })),
      ],
    },
    {
      checks: {
        "the peers remove files of dyne's by their paths": removedByPeers,
      },
    },
  ),
  listed(
    "partitions of many types",
    {
      types: {
        id: long(),
        b: boolean(),
        y: byte(),
        sh: short(),
        i: integer(),
        l: long(),
        f: float(),
        d: double(),
        dec: decimal(38, 10),
        day: date(),
        at: timestamp(),
        ntz: timestampNtz(),
        s: string(),
      },
      partitionBy: ["b", "y", "sh", "i", "l", "f", "d", "dec", "day", "at", "ntz", "s"],
      appends: [
        [
          '{"id":1,"b":true,"y":-128,"sh":-32768,"i":-2147483648,"l":-9223372036854775808,"f":-3.4028234663852886e38,"d":-1.7976931348623157e308,"dec":"-1234567890123456789012345678.9012345678","day":"1969-12-31","at":"1969-12-31T23:59:59.999999Z","ntz":"1969-12-31T23:59:59.999999","s":"x"}',
          '{"id":2,"b":false,"y":127,"sh":32767,"i":2147483647,"l":9223372036854775807,"f":0.125,"d":5e-324,"dec":"0.0000000001","day":"9999-12-31","at":"2024-02-29T12:34:56.000000Z","ntz":"2024-02-29T12:34:56.000000","s":"ß"}',
          '{"id":3,"b":null,"y":null,"sh":null,"i":null,"l":null,"f":null,"d":null,"dec":null,"day":null,"at":null,"ntz":null,"s":null}',
          '{"id":4,"b":true,"y":0,"sh":0,"i":0,"l":0,"f":"NaN","d":"Infinity","dec":"0.0000000000","day":"0001-01-01","at":"1900-01-01T00:00:00.000001Z","ntz":"0001-01-01T00:00:00.000000","s":"0"}',
          '{"id":5,"b":true,"y":1,"sh":1,"i":1,"l":1,"f":"-Infinity","d":"NaN","dec":"1.0000000000","day":"1582-10-15","at":"9999-12-31T23:59:59.999999Z","ntz":"9999-12-31T23:59:59.999999","s":" 1 "}',
        ],
      ],
    },
    filtered({
      b: 3,
      "y = -128": 1,
      "l >= 9223372036854775807": 1,
      "dec < 0": 1,
      "day = DATE'0001-01-01'": 1,
      "at > TIMESTAMP'2024-01-01 00:00:00Z'": 2,
      "s IS NULL": 1,
      "s = 'ß'": 1,
      "d > 1e300": 2,
    }),
  ),
  listed("timestampNtz", {
    types: { id: long(), at: timestampNtz(), p: timestampNtz() },
    partitionBy: ["p"],
    appends: [
      [
        '{"id":1,"at":"2024-02-29T12:34:56.789012","p":"2024-02-29T12:34:56.789012"}',
        '{"id":2,"at":null,"p":null}',
        '{"id":3,"at":"0001-01-01T00:00:00.000000","p":"9999-12-31T23:59:59.999999"}',
      ],
    ],
  }),
];

const long40 = "x".repeat(40);

/** Every file has other values; each condition is met in few of them. */
const extremes = listed(
  "statistics by which readers skip files",
  {
    types: {
      id: long(),
      d: double(),
      f: float(),
      dec: decimal(38, 18),
      day: date(),
      at: timestamp(),
      ntz: timestampNtz(),
      s: string(),
      b: boolean(),
      bin: binary(),
      nested: struct({ n: long(), s: string() }),
    },
    appends: [
      [
        '{"id":1,"d":"NaN","f":"NaN","dec":"99999999999999999999.999999999999999999","day":"0001-01-01","at":"0001-01-01T00:00:00.000000Z","ntz":"0001-01-01T00:00:00.000000","s":"","b":true,"bin":"","nested":{"n":-9223372036854775808,"s":"é"}}',
        '{"id":2,"d":1,"f":1,"dec":"0.000000000000000001","day":"0001-01-02","at":"0001-01-01T00:00:00.000001Z","ntz":"0001-01-01T00:00:00.000001","s":"a","b":true,"bin":"AA==","nested":{"n":1,"s":null}}',
      ],
      [
        '{"id":3,"d":-0.0,"f":-0.0,"dec":"-99999999999999999999.999999999999999999","day":"9999-12-31","at":"9999-12-31T23:59:59.999999Z","ntz":"9999-12-31T23:59:59.999999","s":"😀","b":false,"bin":"/w==","nested":{"n":9223372036854775807,"s":"z"}}',
        '{"id":4,"d":0.0,"f":0.0,"dec":"0.000000000000000000","day":"1969-12-31","at":"1969-12-31T23:59:59.999999Z","ntz":"1969-12-31T23:59:59.999999","s":"\\uffff","b":false,"bin":"AP8=","nested":null}',
      ],
      [
        `{"id":5,"d":"Infinity","f":"Infinity","dec":"1.500000000000000000","day":"2024-02-29","at":"2024-02-29T12:34:56.789012Z","ntz":"2024-02-29T12:34:56.789012","s":"${long40}a","b":null,"bin":null,"nested":{"n":null,"s":"${long40}"}}`,
        `{"id":6,"d":2.5,"f":2.5,"dec":null,"day":null,"at":"2024-02-29T12:34:56.789999Z","ntz":null,"s":"${long40}z","b":true,"bin":null,"nested":{"n":5,"s":"${"😀".repeat(40)}"}}`,
      ],
      [
        '{"id":7,"d":"-Infinity","f":"-Infinity","dec":null,"day":null,"at":null,"ntz":null,"s":null,"b":null,"bin":null,"nested":null}',
        '{"id":8,"d":-1e-300,"f":1.401298464324817e-45,"dec":null,"day":null,"at":null,"ntz":null,"s":null,"b":null,"bin":null,"nested":null}',
      ],
    ],
  },
  filtered(
    {
      "id > 6": 1,
      "d > 1e300": 2,
      "d = 0.0": 4,
      "d < 0": 2,
      "d >= 3": 2,
      "f > 2": 2,
      "f = CAST('NaN' AS FLOAT)": 3,
      "dec > 1.5": 1,
      "dec = 1.5": 2,
      "dec < -1": 1,
      "dec IS NOT NULL": 3,
      "day < DATE'0001-01-02'": 1,
      "day > DATE'2024-02-29'": 1,
      "at > TIMESTAMP'2024-02-29 12:34:56.789500Z'": 2,
      "at = TIMESTAMP'2024-02-29 12:34:56.789999Z'": 2,
      "at <= TIMESTAMP'0001-01-01 00:00:00Z'": 1,
      "at > TIMESTAMP'9999-12-31 23:59:59.999998Z'": 1,
      "ntz < TIMESTAMP_NTZ'1900-01-01 00:00:00'": 1,
      "s > 'x'": 2,
      "s = ''": 1,
      [`s = '${long40}z'`]: 1,
      "s > '😀'": 0,
      "s IS NULL": 1,
      b: 3,
      "nested.n < 0": 1,
      "nested.n = 9223372036854775807": 1,
      "nested.s > 'é'": 1,
      "nested.s IS NULL": 3,
    },
    // DataFusion computes with times in nanoseconds, which go from 1677 to 2262; and it gives the constant of an equation for the column.
    {
      "delta-rs": [
        "d = 0.0",
        "at <= TIMESTAMP'0001-01-01 00:00:00Z'",
        "at > TIMESTAMP'9999-12-31 23:59:59.999998Z'",
        "ntz < TIMESTAMP_NTZ'1900-01-01 00:00:00'",
      ],
    },
  ),
);

/** All of them. */
export const valuesHere: readonly WrittenHere[] = [...partitions, extremes];
