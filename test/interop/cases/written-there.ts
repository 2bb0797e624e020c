/** Tables of the peers, by feature. */
import { peerSteps } from "../peer-steps.ts";
import { randomTable } from "../random-table.ts";
import { interopSeed } from "../seed.ts";
import type { World } from "../world.ts";
import type { WrittenThere } from "./case.ts";

const noVectors = "delta.enableDeletionVectors = false";
const columns = "id BIGINT, name STRING, p INT";
const fewRows = "INSERT INTO {t} SELECT id, concat('n', id), CAST(id % 3 AS INT) FROM range(20)";
const changed = [
  fewRows,
  "UPDATE {t} SET name = upper(name) WHERE id % 4 = 1",
  "DELETE FROM {t} WHERE id > 16",
  "INSERT INTO {t} VALUES (100, NULL, NULL)",
] as const;

const overwritten = [
  "MERGE INTO {t} AS t USING (SELECT * FROM VALUES (1L, 'merged', 1), (500L, 'new', 2) AS v(id, name, p)) AS s ON t.id = s.id" +
    " WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
  "DELETE FROM {t}",
  "INSERT INTO {t} VALUES (600, 'last', 0)",
] as const;

function create(properties: readonly string[], { as = columns, rest = "" } = {}): string {
  const listed = [...(properties.some((one) => one.includes("DeletionVectors")) ? [] : [noVectors]), ...properties];
  return `CREATE TABLE {t} (${as}) USING delta ${rest} TBLPROPERTIES (${listed.join(", ")})`;
}

/** A table that Spark makes by these statements. */
function bySpark(feature: string, statements: readonly string[], more: Partial<WrittenThere> = {}): WrittenThere {
  return {
    kind: "there",
    feature,
    by: { Spark: async ({ peers }, path) => void (await peers.Spark.ask("sql", { path, statements })) },
    ...more,
  };
}

/** By the table's feature, or by the column of rows that are to be written. */
const variants = /support .*variantType|The column v has variants/;

/** The seed of the first of the random tables; the others follow. */
const firstSeed = interopSeed;
const seeds = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => firstSeed + i);

const random: readonly WrittenThere[] = seeds(8).map((seed): WrittenThere => {
  const table = randomTable(seed);
  return {
    kind: "there",
    feature: "random columns, rows and operations",
    seed,
    by: {
      "delta-rs": (world, path) => peerSteps(world, "delta-rs", path, table),
      ...(seed === firstSeed && { Spark: (world: World, path: string) => peerSteps(world, "Spark", path, table) }),
    },
  };
});

const byFeature: readonly WrittenThere[] = [
  bySpark("deletion vectors", [
    create(["delta.enableDeletionVectors = true"]),
    ...changed,
    "DELETE FROM {t} WHERE id < 3",
    "OPTIMIZE {t}",
    "DELETE FROM {t} WHERE id = 5",
  ]),
  bySpark(
    "change data feed",
    [create(["delta.enableChangeDataFeed = true"], { rest: "PARTITIONED BY (p)" }), ...changed, ...overwritten],
    {
      changes: [
        [0, 7],
        [2, 3],
        [6, 7],
      ],
    },
  ),
  bySpark(
    "change data feed with deletion vectors",
    [create(["delta.enableChangeDataFeed = true", "delta.enableDeletionVectors = true"]), ...changed, ...overwritten],
    {
      changes: [
        [0, 7],
        [2, 3],
        [6, 7],
      ],
    },
  ),
  bySpark("column mapping by name", [
    create(["delta.columnMapping.mode = 'name'"], { rest: "PARTITIONED BY (p)" }),
    ...changed,
    "ALTER TABLE {t} RENAME COLUMN name TO `new name`",
    "ALTER TABLE {t} RENAME COLUMN p TO `part`",
    "ALTER TABLE {t} ADD COLUMN name INT",
    "INSERT INTO {t} VALUES (200, 'x', 1, 5)",
    "ALTER TABLE {t} DROP COLUMN name",
    "DELETE FROM {t} WHERE `new name` = 'n3'",
  ]),
  bySpark("column mapping by id", [
    create(["delta.columnMapping.mode = 'id'"]),
    ...changed,
    "ALTER TABLE {t} RENAME COLUMN name TO other",
  ]),
  bySpark("in-commit timestamps", [create(["delta.enableInCommitTimestamps = true"]), ...changed]),
  bySpark("type widening", [
    create(["delta.enableTypeWidening = true"], { as: "id INT, name STRING, p SMALLINT, d DECIMAL(5,2)" }),
    "INSERT INTO {t} VALUES (1, 'a', 1, 1.25), (2, NULL, NULL, NULL)",
    "ALTER TABLE {t} ALTER COLUMN id TYPE BIGINT",
    "ALTER TABLE {t} ALTER COLUMN p TYPE DOUBLE",
    "ALTER TABLE {t} ALTER COLUMN d TYPE DECIMAL(12,4)",
    "INSERT INTO {t} VALUES (10000000000, 'b', 0.5, 12345678.1234)",
    "DELETE FROM {t} WHERE id = 2",
  ]),
  bySpark("row tracking", [create(["delta.enableRowTracking = true"]), ...changed, "OPTIMIZE {t}"], {
    refusesWriting: /support .*rowTracking/,
  }),
  bySpark("V2 checkpoints", [
    create(["delta.checkpointPolicy = 'v2'", "delta.checkpointInterval = 2"]),
    ...changed,
    "INSERT INTO {t} VALUES (300, 'z', 0)",
  ]),
  bySpark("checkpoints", [create(["delta.checkpointInterval = 2"]), ...changed]),
  bySpark("timestampNtz", [
    create([], { as: "id INT, at TIMESTAMP_NTZ, p TIMESTAMP_NTZ", rest: "PARTITIONED BY (p)" }),
    "INSERT INTO {t} VALUES (1, TIMESTAMP_NTZ'2024-02-29 12:34:56.789012', TIMESTAMP_NTZ'2024-02-29 12:00:00'), (2, NULL, NULL)",
  ]),
  bySpark("CHECK constraints and NOT NULL", [
    create([], { as: "id INT NOT NULL, amount INT" }),
    "ALTER TABLE {t} ADD CONSTRAINT positive CHECK (amount > 0)",
    "INSERT INTO {t} VALUES (1, 1), (2, 5)",
  ]),
  bySpark(
    "column defaults",
    [
      create(["delta.feature.allowColumnDefaults = 'supported'"], { as: "id INT, kind STRING DEFAULT 'none'" }),
      "INSERT INTO {t} (id) VALUES (1)",
      "INSERT INTO {t} VALUES (2, 'some')",
    ],
    { refusesWriting: /support .*allowColumnDefaults/ },
  ),
  bySpark(
    "identity columns",
    [
      create([], { as: "id BIGINT GENERATED BY DEFAULT AS IDENTITY, name STRING" }),
      "INSERT INTO {t} (name) VALUES ('a'), ('b')",
      "INSERT INTO {t} (name) VALUES ('c')",
    ],
    { refusesWriting: /support .*identityColumns/ },
  ),
  bySpark("liquid clustering", [create([], { rest: "CLUSTER BY (name)" }), ...changed, "OPTIMIZE {t}"], {
    refusesWriting: /support .*clustering/,
  }),
  bySpark("append-only tables", [create(["delta.appendOnly = true"]), fewRows]),
  bySpark("restore", [create([]), ...changed, "RESTORE TABLE {t} TO VERSION AS OF 1"]),
  bySpark("vacuum", [create(["delta.feature.vacuumProtocolCheck = 'supported'"]), ...changed, "VACUUM {t}"]),
  bySpark("nested columns added to", [
    create([], { as: "id INT, s STRUCT<a: INT>" }),
    "INSERT INTO {t} VALUES (1, named_struct('a', 1))",
    "ALTER TABLE {t} ADD COLUMNS (s.b STRING, other ARRAY<INT>)",
    "INSERT INTO {t} VALUES (2, named_struct('a', 2, 'b', 'x'), array(1, 2))",
  ]),
  bySpark(
    "variant",
    [
      create(["delta.enableChangeDataFeed = true"], {
        as: "id BIGINT, v VARIANT, s STRUCT<v: VARIANT, n: INT>, p STRING",
        rest: "PARTITIONED BY (p)",
      }),
      "INSERT INTO {t} SELECT id, parse_json(concat('{\"n\": ', id, ', \"list\": [null, true, 1.5, \"x\", {}]}')), named_struct('v', parse_json('[]'), 'n', NULL), concat('p', id % 2) FROM range(5)",
      "INSERT INTO {t} VALUES (5, NULL, NULL, NULL), (6, parse_json('null'), named_struct('v', NULL, 'n', 1), 'p0'), (7, DATE'2024-02-29'::VARIANT, named_struct('v', 1.10::DECIMAL(10,2)::VARIANT, 'n', 2), 'p1')",
      "UPDATE {t} SET v = parse_json(concat('\"', id, '\"')) WHERE id % 3 = 0",
      "DELETE FROM {t} WHERE id = 4",
    ],
    {
      changes: [
        [0, 4],
        [3, 4],
      ],
      refusesWriting: variants,
    },
  ),
  bySpark(
    "variant, shredded",
    [
      create(["delta.enableVariantShredding = true"], { as: "id BIGINT, v VARIANT" }),
      "SET spark.sql.variant.inferShreddingSchema = true",
      "INSERT INTO {t} SELECT id, parse_json(concat('{\"a\": ', id, ', \"b\": {\"c\": \"x', id, '\"}', if(id = 3, ', \"d\": [1]', ''), '}')) FROM range(6)",
      "RESET spark.sql.variant.inferShreddingSchema",
      "INSERT INTO {t} VALUES (10, parse_json('\"no object\"')), (11, NULL)",
      "DELETE FROM {t} WHERE id = 5",
    ],
    { refusesWriting: variants },
  ),
];

/** All of them. */
export const writtenThere: readonly WrittenThere[] = [...random, ...byFeature];
