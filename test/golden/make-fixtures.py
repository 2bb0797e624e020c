"""Makes the tables of test/golden/fixtures with Spark: one function each, whose docstring says what the table is there for.

    python test/golden/make-fixtures.py [name ...]

with the packages of test/interop/requirements.txt and Java 17 or later. Writes for each

    <name>/delta/                          the table
    <name>/expected/rows.ndjson            rows of the newest version, as Spark reads them, in the order of their texts
    <name>/expected/changes-<from>-<to>.ndjson   Spark's change feed of these versions, both included
    <name>/expected/versions.json          how many rows each version has

and fixtures/README.md. A table that Spark cannot read is not kept. `_commit_timestamp` stands in changes of tables with in-commit
timestamps alone: elsewhere it is the time of a file, which no checkout keeps.
"""

import base64
import glob
import json
import logging
import os
import shutil
import struct
import sys
import tempfile
from datetime import date

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
from session import spark_session  # noqa: E402
from shapes import rows_of, text_of  # noqa: E402

FIXTURES = os.path.join(HERE, "fixtures")
CHANGE_COLUMNS = ("_change_type", "_commit_version", "_commit_timestamp")
CDF = "delta.enableChangeDataFeed = true"
DV = "delta.enableDeletionVectors = true"
NO_DV = "delta.enableDeletionVectors = false"
NAMES = "delta.columnMapping.mode = 'name'"
IDS = "delta.columnMapping.mode = 'id'"
ICT = "delta.enableInCommitTimestamps = true"


class Table:
    """A table being made. In statements `{t}` is the table."""

    def __init__(self, spark, path):
        self.spark, self.path, self.changes, self.as_json = spark, path, [], []

    def sql(self, *statements):
        for statement in statements:
            self.spark.sql(statement.replace("{t}", f"delta.`{self.path}`"))

    def create(self, columns, *properties, by="", then=""):
        partitions = f"PARTITIONED BY ({by})" if by else ""
        listed = ", ".join(properties) or NO_DV
        self.sql(f"CREATE TABLE {{t}} ({columns}) USING delta {partitions} {then} TBLPROPERTIES ({listed})")

    def with_settings(self, settings, action):
        for key, value in settings.items():
            self.spark.conf.set(key, value)
        try:
            action()
        finally:
            for key in settings:
                self.spark.conf.unset(key)

    def checkpoint(self, **settings):
        """Writes a checkpoint of the newest version, with settings of Delta's checkpoints."""
        full = {f"spark.databricks.delta.{key.replace('__', '.')}": str(value) for key, value in settings.items()}
        jvm = self.spark.sparkContext._jvm
        none = jvm.scala.Option.empty()

        def write():
            log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, self.path)
            log.checkpoint(log.update(False, none, none), none)

        jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
        self.with_settings(full, write)

    def log_file(self, name):
        return os.path.join(self.path, "_delta_log", name)

    def commit_file(self, version):
        return self.log_file(f"{version:020}.json")

    def actions(self, version):
        with open(self.commit_file(version), encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def rewrite(self, version, change):
        """Changes the actions of a commit that Spark wrote."""
        actions = [change(action) for action in self.actions(version)]
        with open(self.commit_file(version), "w", encoding="utf-8") as out:
            out.writelines(text_of(action) + "\n" for action in actions)

    def expect_changes(self, *ranges):
        self.changes.extend(ranges)


def cdf_copy_on_write(t):
    """Change data feed with `cdc` files for update, delete and merge; without any for insert, overwrite and a delete of everything; OPTIMIZE changes nothing."""
    t.create("id BIGINT, name STRING, amount DECIMAL(10,2)", CDF, NO_DV)
    t.sql(
        "INSERT INTO {t} VALUES (1, 'a', 1.10), (2, 'b', 2.20), (3, NULL, 3.30), (4, 'd', NULL)",
        "UPDATE {t} SET amount = amount + 1 WHERE id <= 2",
        "DELETE FROM {t} WHERE id = 3",
        "MERGE INTO {t} AS t USING (SELECT * FROM VALUES (1, 'x'), (4, 'gone'), (9, 'new') AS v(id, name)) AS s ON t.id = s.id"
        " WHEN MATCHED AND s.name = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET name = s.name"
        " WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name)",
        "INSERT INTO {t} VALUES (10, 'j', 10)",
        "OPTIMIZE {t}",
        "INSERT OVERWRITE {t} VALUES (20, 't', 20), (21, 'u', 21)",
        "DELETE FROM {t}",
        "INSERT INTO {t} VALUES (30, 'z', 30)",
    )
    t.expect_changes((0, 9), (1, 1), (2, 2), (3, 4), (6, 6), (7, 8))


def cdf_deletion_vectors(t):
    """Change data feed where update, delete and merge only mark rows as deleted."""
    t.create("id BIGINT, name STRING", CDF, DV)
    t.sql(
        "INSERT INTO {t} SELECT id, concat('n', id) FROM range(20)",
        "DELETE FROM {t} WHERE id % 5 = 0",
        "UPDATE {t} SET name = upper(name) WHERE id IN (1, 2)",
        "MERGE INTO {t} AS t USING (SELECT * FROM VALUES (3, 'x'), (4, 'gone'), (99, 'new') AS v(id, name)) AS s ON t.id = s.id"
        " WHEN MATCHED AND s.name = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT *",
        "DELETE FROM {t} WHERE id > 15",
        "DELETE FROM {t} WHERE true",
    )
    t.expect_changes((0, 6), (2, 2), (3, 3), (4, 5), (6, 6))


def cdf_deletion_vectors_without_cdc_files(t):
    """Commits that change deletion vectors and have no `cdc` files: the rows deleted, or there again, are the difference of two vectors."""
    t.create("id BIGINT, name STRING", CDF, DV)
    t.sql(
        "INSERT INTO {t} SELECT id, concat('n', id) FROM range(20)",
        "DELETE FROM {t} WHERE id % 5 = 0",
        "DELETE FROM {t} WHERE id % 5 = 1",
        "DELETE FROM {t} WHERE id > 12",
        "RESTORE TABLE {t} TO VERSION AS OF 2",
    )
    t.expect_changes((0, 5), (3, 3), (5, 5))


def cdf_schema_change(t):
    """Change data feed across added columns, one of them inside a struct."""
    t.create("id BIGINT, info STRUCT<a: INT>", CDF, NO_DV)
    t.sql(
        "INSERT INTO {t} VALUES (1, struct(1)), (2, struct(2))",
        "UPDATE {t} SET info = named_struct('a', 5) WHERE id = 2",
        "ALTER TABLE {t} ADD COLUMNS (note STRING, info.b DOUBLE)",
        "INSERT INTO {t} VALUES (3, struct(3, 0.5), 'three')",
        "UPDATE {t} SET note = 'one' WHERE id = 1",
        "DELETE FROM {t} WHERE id = 2",
    )
    t.expect_changes((0, 6), (1, 2), (2, 4), (5, 6))


def cdf_partitioned(t):
    """Change data feed of a partitioned table: rows that move to another partition, a partition that is deleted whole, a partition that is overwritten, a NULL partition."""
    t.create("id INT, day DATE", CDF, NO_DV, by="day")
    t.sql(
        "INSERT INTO {t} VALUES (1, DATE'2024-01-01'), (2, DATE'2024-01-01'), (3, DATE'2024-01-02'), (4, NULL)",
        "UPDATE {t} SET day = DATE'2024-01-03' WHERE id = 1",
        "DELETE FROM {t} WHERE day = DATE'2024-01-02'",
        "DELETE FROM {t} WHERE day IS NULL",
    )
    frame = t.spark.sql("SELECT CAST(7 AS INT) AS id, DATE'2024-01-01' AS day")
    frame.write.format("delta").mode("overwrite").option("replaceWhere", "day = '2024-01-01'").save(t.path)
    t.expect_changes((0, 5), (2, 2), (3, 4), (5, 5))


def cdf_enabled_later(t):
    """Change data feed switched on at version 3: versions before it have none, and asking for them is an error."""
    t.create("id INT, name STRING", NO_DV)
    t.sql(
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b')",
        "UPDATE {t} SET name = 'x' WHERE id = 1",
        f"ALTER TABLE {{t}} SET TBLPROPERTIES ({CDF})",
        "UPDATE {t} SET name = 'y' WHERE id = 2",
        "DELETE FROM {t} WHERE id = 1",
    )
    t.expect_changes((3, 5), (4, 4))


def cdf_column_mapping(t):
    """Change data feed under column mapping, with a column renamed before the first row was changed."""
    t.create("id INT, old_name STRING, extra INT", CDF, NAMES, NO_DV)
    t.sql(
        "ALTER TABLE {t} RENAME COLUMN old_name TO `new name`",
        "INSERT INTO {t} VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)",
        "UPDATE {t} SET `new name` = 'x' WHERE id = 1",
        "DELETE FROM {t} WHERE id = 2",
    )
    t.expect_changes((1, 4), (3, 3))


def cdf_in_commit_timestamps(t):
    """Change data feed with in-commit timestamps: `_commit_timestamp` is what the log says, whatever the times of its files."""
    t.create("id INT, name STRING", CDF, ICT, NO_DV)
    t.sql(
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b')",
        "UPDATE {t} SET name = 'x' WHERE id = 1",
        "DELETE FROM {t} WHERE id = 2",
    )
    t.expect_changes((0, 3), (2, 3))


def type_widening(t):
    """Columns widened in place: integers, float to double, integers to double and to decimal, decimals in precision and scale, date to timestampNtz. Old files keep the old types."""
    t.create(
        "b TINYINT, s SMALLINT, i INT, f FLOAT, i2d INT, s2d SMALLINT, dec DECIMAL(6,2), dec2 DECIMAL(10,2), i2dec INT, l2dec BIGINT, day DATE",
        "delta.enableTypeWidening = true", "delta.feature.timestampNtz = 'supported'", NO_DV,
    )
    insert = (
        "INSERT INTO {t} VALUES (127, -32768, 2147483647, 0.1, 7, -3, 1234.56, 12345678.90, 42, 9000000000, DATE'1969-12-31'),"
        " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    )
    t.sql(insert)
    for column, kind in [("b", "SMALLINT"), ("b", "BIGINT"), ("s", "INT"), ("i", "BIGINT"), ("f", "DOUBLE"), ("i2d", "DOUBLE"),
                         ("s2d", "DOUBLE"), ("dec", "DECIMAL(9,2)"), ("dec2", "DECIMAL(20,5)"), ("i2dec", "DECIMAL(11,1)"),
                         ("l2dec", "DECIMAL(20,0)"), ("day", "TIMESTAMP_NTZ")]:
        t.sql(f"ALTER TABLE {{t}} ALTER COLUMN {column} TYPE {kind}")
    t.sql(
        "INSERT INTO {t} VALUES (9223372036854775807, 2147483647, -9223372036854775808, 0.1, 0.5, 1e300, 9999999.99,"
        " 123456789012345.54321, 1234567890.1, 99999999999999999999, TIMESTAMP_NTZ'2024-02-29 12:34:56.789012')"
    )


def type_widening_nested(t):
    """Types widened inside of structs, arrays and maps, keys of maps too, and of a partition column."""
    t.create(
        "id INT, s STRUCT<a: TINYINT, inner: STRUCT<d: DECIMAL(4,1)>>, xs ARRAY<SMALLINT>, m MAP<TINYINT, INT>, deep ARRAY<STRUCT<v: FLOAT>>, p INT",
        "delta.enableTypeWidening = true", NO_DV, by="p",
    )
    t.sql(
        "INSERT INTO {t} VALUES (1, named_struct('a', 1Y, 'inner', named_struct('d', 123.4)), array(1S, NULL), map(1Y, 10), array(named_struct('v', 0.1F)), 5),"
        " (2, NULL, NULL, NULL, NULL, NULL)",
    )
    for column, kind in [("s.a", "INT"), ("s.inner.d", "DECIMAL(8,3)"), ("xs.element", "INT"), ("m.key", "SMALLINT"), ("m.value", "BIGINT"),
                         ("deep.element.v", "DOUBLE"), ("p", "BIGINT")]:
        t.sql(f"ALTER TABLE {{t}} ALTER COLUMN {column} TYPE {kind}")
    t.sql(
        "INSERT INTO {t} VALUES (3, named_struct('a', 100000, 'inner', named_struct('d', 12345.678)), array(100000), map(300S, 10000000000), array(named_struct('v', 0.1D)), 10000000000)",
    )


def variant(t):
    """Variant columns: every kind of value, objects and arrays within, NULL and the variant null, and one within a struct and an array."""
    t.create("id INT, v VARIANT, nested STRUCT<v: VARIANT>, vs ARRAY<VARIANT>", NO_DV)
    t.sql(
        "INSERT INTO {t} SELECT 1, parse_json('{\"a\": 1, \"b\": [true, null, \"x\"], \"c\": {\"d\": 1.5}}'), named_struct('v', parse_json('[1,2]')), array(parse_json('1'), parse_json('\"a\"'))",
        "INSERT INTO {t} SELECT id, v, NULL, NULL FROM (VALUES (2, NULL), (3, parse_json('null')), (4, parse_json('\"text\"')), (5, parse_json('12345678901')),"
        " (6, parse_json('0.25')), (7, parse_json('1e300')), (8, parse_json('[]')), (9, parse_json('{}')), (10, parse_json('false'))) AS x(id, v)",
        "INSERT INTO {t} SELECT id, v, NULL, NULL FROM (VALUES (11, DATE'2024-02-29'::VARIANT), (12, TIMESTAMP'2024-02-29 12:00:00.123456Z'::VARIANT),"
        " (13, 1.23::DECIMAL(10,2)::VARIANT), (14, X'00ff'::VARIANT), (15, 0.5F::VARIANT)) AS x(id, v)",
    )
    t.as_json = ["v", "nested", "vs"]


def variant_shredded(t):
    """A variant column some of whose fields have columns of their own in the files."""
    t.create("id INT, v VARIANT", NO_DV, "delta.enableVariantShredding = true")
    t.with_settings(
        {"spark.sql.variant.inferShreddingSchema": "true"},
        lambda: t.sql("INSERT INTO {t} SELECT CAST(id AS INT), parse_json(concat('{\"a\": ', id, ', \"b\": \"x', id, '\"', if(id = 3, ', \"c\": [1]', ''), '}')) FROM range(5)",
                      "INSERT INTO {t} VALUES (5, parse_json('\"no object\"')), (6, NULL)"),
    )
    t.as_json = ["v"]


def variant_changes(t):
    """Variants in a change feed, in columns that are mapped by id, beside partitions and deletion vectors: numbers of all sizes and kinds, times of all calendars, long and strange texts, many fields."""
    t.create("id INT, v VARIANT, s STRUCT<vs: ARRAY<VARIANT>, n: INT>, p STRING", CDF, DV, IDS, by="p")
    values = [
        "TRUE", "1Y", "-32768S", "2147483647", "9223372036854775807L", "0.1D", "1e300D", "100D", "-0.0D", "double('NaN')", "double('-Infinity')", "0.1F", "16777216F",
        "1.10::DECIMAL(10,2)", "100::DECIMAL(10,0)", "0::DECIMAL(10,5)", "-12345678.5::DECIMAL(20,1)", "-0.05BD",
        "DATE'0001-01-01'", "DATE'12345-01-01'", "DATE'-0044-03-15'", "TIMESTAMP'2024-01-01 00:00:00Z'", "TIMESTAMP'1969-12-31 23:59:59.999999Z'", "TIMESTAMP'0001-01-01 00:00:01.5Z'",
        "TIMESTAMP_NTZ'2024-01-01 12:34:56.000001'", "X''", "X'000102ff'", "''", "repeat('\u00e9', 40)", "repeat('x', 70000)", "concat('\"', chr(92), chr(10), chr(1), chr(127), '\U0001f600')",
    ]
    rows = ", ".join(f"({i}, CAST({value} AS VARIANT))" for i, value in enumerate(values))
    t.sql(
        f"INSERT INTO {{t}} SELECT id, v, NULL, if(id % 2 = 0, 'even', 'odd') FROM (VALUES {rows}) AS x(id, v)",
        "INSERT INTO {t} SELECT CAST(100 + id AS INT), parse_json(concat('{', array_join(transform(sequence(0, 300 * id), i -> concat('\"k', i, '\":[', i, ',null,{}]')), ','), '}')),"
        " named_struct('vs', array(parse_json('{\"b\":{\"\":[[]]}}'), NULL), 'n', 1), NULL FROM range(2)",
        "UPDATE {t} SET v = parse_json('{\"was\": 1}') WHERE id = 3",
        "DELETE FROM {t} WHERE id IN (4, 101)",
    )
    t.as_json = ["v", "s"]
    t.expect_changes((1, 4))


def materialized_partition_columns(t):
    """Files that hold the partition columns too, as the writer feature `materializePartitionColumns` asks."""
    t.create("id INT, p STRING", NO_DV, "delta.feature.materializePartitionColumns = 'supported'", by="p")
    t.sql("INSERT INTO {t} VALUES (1, 'a'), (2, NULL)")


def row_tracking(t):
    """Row tracking: base row ids and versions in the log, ids materialized in hidden columns of files that were rewritten."""
    t.create("id INT, name STRING", "delta.enableRowTracking = true", NO_DV)
    t.sql(
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "INSERT INTO {t} VALUES (4, 'd')",
        "UPDATE {t} SET name = 'x' WHERE id = 2",
        "OPTIMIZE {t}",
        "DELETE FROM {t} WHERE id = 3",
    )


def in_commit_timestamps(t):
    """In-commit timestamps from the first version on."""
    t.create("id INT", ICT, NO_DV)
    t.sql("INSERT INTO {t} VALUES (1)", "INSERT INTO {t} VALUES (2)", "DELETE FROM {t} WHERE id = 1")


def in_commit_timestamps_enabled_later(t):
    """In-commit timestamps from version 3 on, which the table's properties name."""
    t.create("id INT", NO_DV)
    t.sql("INSERT INTO {t} VALUES (1)", "INSERT INTO {t} VALUES (2)", f"ALTER TABLE {{t}} SET TBLPROPERTIES ({ICT})",
          "INSERT INTO {t} VALUES (3)", "DELETE FROM {t} WHERE id = 1")


def _small_commits(t, count=4):
    for version in range(count):
        t.sql(f"INSERT INTO {{t}} VALUES ({version}, 'v{version}', {version % 2})")


def _forget_commits(t, before):
    for version in range(before):
        os.remove(t.commit_file(version))


def v2_checkpoint_json(t):
    """A V2 checkpoint whose top level is JSON, with two sidecars; the commits before it are gone."""
    t.create("id INT, name STRING, p INT", "delta.checkpointPolicy = 'v2'", NO_DV, by="p")
    _small_commits(t)
    t.sql("DELETE FROM {t} WHERE id = 1")
    t.checkpoint(checkpointV2__topLevelFileFormat="json", checkpoint__partSize=2)
    t.sql("INSERT INTO {t} VALUES (10, 'after', 0)")
    _forget_commits(t, 5)


def v2_checkpoint_parquet(t):
    """A V2 checkpoint whose top level is Parquet, with two sidecars; the commits before it are gone."""
    t.create("id INT, name STRING, p INT", "delta.checkpointPolicy = 'v2'", NO_DV, by="p")
    _small_commits(t)
    t.sql("DELETE FROM {t} WHERE id = 1")
    t.checkpoint(checkpointV2__topLevelFileFormat="parquet", checkpoint__partSize=2)
    t.sql("INSERT INTO {t} VALUES (10, 'after', 0)")
    _forget_commits(t, 5)


def v2_checkpoint_without_hint(t):
    """A V2 checkpoint in JSON that nothing but the listing tells of: `_last_checkpoint` is gone, and so are the commits before it."""
    t.create("id INT, name STRING, p INT", "delta.checkpointPolicy = 'v2'", DV)
    t.sql("INSERT INTO {t} SELECT id, 'x', 0 FROM range(4)", "DELETE FROM {t} WHERE id = 1")
    t.checkpoint(checkpointV2__topLevelFileFormat="json")
    t.sql("INSERT INTO {t} VALUES (10, 'after', 0)")
    os.remove(t.log_file("_last_checkpoint"))
    _forget_commits(t, 2)


def v2_checkpoint_without_sidecars(t):
    """A V2 checkpoint in JSON that holds the file actions itself; Spark writes sidecars always, so the script moved their actions into it."""
    t.create("id INT, name STRING, p INT", "delta.checkpointPolicy = 'v2'", NO_DV, by="p")
    _small_commits(t, 2)
    t.checkpoint(checkpointV2__topLevelFileFormat="json")
    t.sql("INSERT INTO {t} VALUES (10, 'after', 0)")
    (top,) = glob.glob(t.log_file("*.checkpoint.*.json"))
    with open(top, encoding="utf-8") as lines:
        kept = [line for line in lines if '"sidecar"' not in line]
    files = [text_of(action) + "\n" for version in (0, 1, 2) for action in t.actions(version) if "add" in action]
    with open(top, "w", encoding="utf-8") as out:
        out.writelines(kept + files)
    shutil.rmtree(t.log_file("_sidecars"))
    os.remove(t.log_file("_last_checkpoint"))
    _forget_commits(t, 2)


def multi_part_checkpoint(t):
    """A classic checkpoint in three parts; the commits before it are gone."""
    t.create("id INT, name STRING, p INT", NO_DV)
    _small_commits(t, 6)
    t.checkpoint(checkpoint__partSize=2)
    t.sql("INSERT INTO {t} VALUES (10, 'after', 0)")
    _forget_commits(t, 6)


def checkpoint_with_parsed_columns(t):
    """A classic checkpoint with statistics and partition values as structs beside their texts; the commits before it are gone."""
    t.create("id INT, name STRING, at TIMESTAMP, p DATE", NO_DV, "delta.checkpoint.writeStatsAsStruct = true", by="p")
    t.sql("INSERT INTO {t} VALUES (1, 'a', TIMESTAMP'2024-01-01 00:00:00.123456Z', DATE'2024-01-01')", "INSERT INTO {t} VALUES (2, NULL, NULL, NULL)")
    t.checkpoint()
    t.sql("INSERT INTO {t} VALUES (3, 'c', TIMESTAMP'2024-01-03 00:00:00Z', DATE'2024-01-03')")
    _forget_commits(t, 2)


def checkpoint_with_struct_statistics_only(t):
    """A classic checkpoint with statistics as structs alone, and deletion vectors; the commits before it are gone."""
    t.create("id INT, name STRING", DV, "delta.checkpoint.writeStatsAsStruct = true", "delta.checkpoint.writeStatsAsJson = false")
    t.sql("INSERT INTO {t} SELECT id, concat('n', id) FROM range(10)", "DELETE FROM {t} WHERE id IN (3, 4)", "INSERT INTO {t} VALUES (50, 'z')")
    t.checkpoint()
    t.sql("DELETE FROM {t} WHERE id = 5")
    _forget_commits(t, 3)


def log_compaction(t):
    """A log compaction file for versions 2 to 5. Spark reads them and does not write them: the script reconciled the actions."""
    t.create("id INT, name STRING, p INT", NO_DV)
    _small_commits(t, 3)
    t.sql("DELETE FROM {t} WHERE id = 1", "OPTIMIZE {t}", "INSERT INTO {t} VALUES (10, 'after', 0)")
    files, others = {}, {}
    for version in range(2, 6):
        for action in t.actions(version):
            ((kind, body),) = action.items()
            if kind in ("add", "remove"):
                files[body["path"]] = {kind: {**body, "dataChange": False}}
            elif kind != "commitInfo":
                others[(kind, body.get("appId") or body.get("domain"))] = action
    with open(t.log_file(f"{2:020}.{5:020}.compacted.json"), "w", encoding="utf-8") as out:
        out.writelines(text_of(action) + "\n" for action in [*others.values(), *files.values()])


def deletion_vectors_in_one_file(t):
    """Deletion vectors of three data files in one file, at offsets; one of them replaced later, one data file deleted whole."""
    t.create("id INT, name STRING", DV)
    for start in (0, 10, 20):
        t.sql(f"INSERT INTO {{t}} SELECT id, concat('n', id) FROM range({start}, {start + 10})")
    t.sql("DELETE FROM {t} WHERE id % 3 = 0", "DELETE FROM {t} WHERE id IN (1, 2)", "DELETE FROM {t} WHERE id >= 20")


def deletion_vectors_inline(t):
    """Deletion vectors inline in the log (storage type `i`). Spark reads them and does not write them: the script moved them out of their file."""
    t.create("id INT, name STRING", DV)
    t.sql("INSERT INTO {t} SELECT id, concat('n', id) FROM range(12)", "DELETE FROM {t} WHERE id IN (0, 5, 11)")
    t.rewrite(2, lambda action: _inline(t, action))
    for path in glob.glob(os.path.join(t.path, "deletion_vector_*")):
        os.remove(path)


def _inline(t, action):
    vector = action.get("add", {}).get("deletionVector")
    if vector is None:
        return action
    (path,) = glob.glob(os.path.join(t.path, "deletion_vector_*.bin"))
    with open(path, "rb") as file:
        file.seek(vector["offset"])
        (size,) = struct.unpack(">i", file.read(4))
        data = file.read(size)
    padded = data + b"\0" * (-len(data) % 4)
    text = base64.z85encode(padded).decode("ascii") if hasattr(base64, "z85encode") else _z85(padded)
    inline = {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": size, "cardinality": vector["cardinality"]}
    return {"add": {**action["add"], "deletionVector": inline}}


def _z85(data):
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    texts = []
    for (word,) in struct.iter_unpack(">I", data):
        texts.append("".join(alphabet[word // 85**place % 85] for place in (4, 3, 2, 1, 0)))
    return "".join(texts)


def deletion_vectors_large(t):
    """A deletion vector with more than 2^16 rows, in runs, in arrays and as bits: 149,000 of 150,000 rows are gone."""
    t.create("block INT, place INT", DV)
    t.spark.range(0, 150_000, 1, 1).selectExpr("CAST(id DIV 500 AS INT) AS block", "CAST(id % 5 AS INT) AS place").write.format("delta").mode("append").save(t.path)
    t.sql("DELETE FROM {t} WHERE block BETWEEN 10 AND 150 OR (block < 250 AND place <> 3) OR (block > 150 AND block < 299)",
          "DELETE FROM {t} WHERE block = 299 AND place < 4", "DELETE FROM {t} WHERE block BETWEEN 1 AND 8")


def deletion_vectors_of_partitions(t):
    """Deletion vectors of a partitioned table with a prefix of random folders for its files."""
    t.create("id INT, p STRING", DV, "delta.randomizeFilePrefixes = true", by="p")
    t.sql("INSERT INTO {t} SELECT id, CASE WHEN id % 2 = 0 THEN 'even' END FROM range(20)", "DELETE FROM {t} WHERE id < 6",
          "UPDATE {t} SET p = 'moved' WHERE id = 7")


def _mapped(t, mode):
    t.create(
        "id INT, kept STRING, dropped INT, s STRUCT<a: INT, b: STRING, gone: INT>, m MAP<STRING, STRUCT<x: INT>>, xs ARRAY<STRUCT<y: DATE>>, part STRING",
        mode, NO_DV, by="part",
    )
    t.sql(
        "INSERT INTO {t} VALUES (1, 'k', 10, named_struct('a', 1, 'b', 'x', 'gone', 0), map('key', named_struct('x', 5)), array(named_struct('y', DATE'2024-01-01')), 'p1')",
        "ALTER TABLE {t} RENAME COLUMN kept TO `kept, {renamed}; (=)`",
        "ALTER TABLE {t} RENAME COLUMN part TO `the part`",
        "ALTER TABLE {t} RENAME COLUMN s.b TO `b.b`",
        "ALTER TABLE {t} RENAME COLUMN m.value.x TO xx",
        "ALTER TABLE {t} RENAME COLUMN xs.element.y TO yy",
        "ALTER TABLE {t} DROP COLUMNS (dropped, s.gone)",
        "ALTER TABLE {t} ADD COLUMNS (dropped STRING)",
        "INSERT INTO {t} VALUES (2, 'k2', named_struct('a', 2, 'b.b', 'y'), map('key', NULL), array(named_struct('yy', NULL)), NULL, 'not the old column')",
        "DELETE FROM {t} WHERE id = 99",
    )
    t.checkpoint()
    t.sql("INSERT INTO {t} (id, `the part`) VALUES (3, 'p3')")


def column_mapping_name(t):
    """Column mapping by name: columns renamed, dropped and added again under an old name, at the top and in structs, maps and arrays; names that Parquet forbids; a renamed partition column; a checkpoint."""
    _mapped(t, NAMES)


def column_mapping_id(t):
    """The same by id: the files' columns are found by their field ids."""
    _mapped(t, IDS)


def column_mapping_enabled_later(t):
    """Column mapping by name on a table that had rows before: physical names are the old ones, and two columns swap names."""
    t.create("id INT, a STRING, b STRING", NO_DV)
    t.sql(
        "INSERT INTO {t} VALUES (1, 'was a', 'was b')",
        f"ALTER TABLE {{t}} SET TBLPROPERTIES ({NAMES}, 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')",
        "ALTER TABLE {t} RENAME COLUMN a TO c",
        "ALTER TABLE {t} RENAME COLUMN b TO a",
        "ALTER TABLE {t} RENAME COLUMN c TO b",
        "INSERT INTO {t} VALUES (2, 'new b', 'new a')",
    )


def column_mapping_deletion_vectors(t):
    """Column mapping by name with deletion vectors, partitions and change data feed at once."""
    t.create("id INT, name STRING, p INT", NAMES, DV, CDF, by="p")
    t.sql("INSERT INTO {t} SELECT id, concat('n', id), id % 2 FROM range(10)", "DELETE FROM {t} WHERE id IN (2, 3)", "UPDATE {t} SET name = 'x' WHERE id = 4")
    t.expect_changes((0, 3),)


def generated_columns(t):
    """Generated columns, one of which partitions the table."""
    from delta.tables import DeltaTable

    (DeltaTable.create(t.spark).location(t.path).addColumn("id", "INT").addColumn("at", "TIMESTAMP")
     .addColumn("day", "DATE", generatedAlwaysAs="CAST(at AS DATE)").addColumn("twice", "INT", generatedAlwaysAs="id * 2")
     .partitionedBy("day").property("delta.enableDeletionVectors", "false").execute())
    t.sql("INSERT INTO {t} (id, at) VALUES (1, TIMESTAMP'2024-01-01 10:00:00Z'), (2, TIMESTAMP'2024-01-02 00:00:00Z')", "INSERT INTO {t} (id) VALUES (3)")


def identity_columns(t):
    """An identity column."""
    from delta.tables import DeltaTable, IdentityGenerator

    (DeltaTable.create(t.spark).location(t.path).addColumn("key", "BIGINT", generatedAlwaysAs=IdentityGenerator(start=10, step=5))
     .addColumn("name", "STRING").property("delta.enableDeletionVectors", "false").execute())
    t.sql("INSERT INTO {t} (name) VALUES ('a'), ('b')", "INSERT INTO {t} (name) VALUES ('c')")


def constraints(t):
    """CHECK constraints, and columns that are NOT NULL, one of them in a struct."""
    t.create("id INT NOT NULL, amount DECIMAL(10,2), s STRUCT<a: INT NOT NULL>", NO_DV)
    t.sql("ALTER TABLE {t} ADD CONSTRAINT positive CHECK (amount > 0 OR amount IS NULL)", "ALTER TABLE {t} ADD CONSTRAINT `Odd name` CHECK (id <> 13)",
          "INSERT INTO {t} VALUES (1, 1.50, named_struct('a', 1)), (2, NULL, named_struct('a', 2))")


def default_columns(t):
    """Columns with defaults, for new rows and for those before."""
    t.create("id INT, kind STRING DEFAULT 'none'", NO_DV, "delta.feature.allowColumnDefaults = 'supported'")
    t.sql("INSERT INTO {t} (id) VALUES (1)", "INSERT INTO {t} VALUES (2, 'some'), (3, NULL)", "INSERT INTO {t} VALUES (4, DEFAULT)")


def clustered(t):
    """A table with liquid clustering, which is a matter of its writers: it reads like any other."""
    t.create("id INT, city STRING, note STRING", NO_DV, then="CLUSTER BY (city, id)")
    t.sql("INSERT INTO {t} VALUES (1, 'Bern', 'x'), (2, 'Rome', 'y')", "INSERT INTO {t} VALUES (3, 'Bern', 'z')", "OPTIMIZE {t}")


def timestamp_ntz_partitions(t):
    """Partitions by timestampNtz and by timestamp, with microseconds, midnight and NULL."""
    t.create("id INT, local TIMESTAMP_NTZ, at TIMESTAMP", NO_DV, by="local, at")
    t.sql("INSERT INTO {t} VALUES (1, TIMESTAMP_NTZ'2024-02-29 12:34:56.789012', TIMESTAMP'2024-02-29 12:34:56.789012Z'),"
          " (2, TIMESTAMP_NTZ'1969-12-31 00:00:00', TIMESTAMP'1969-12-31 23:59:59.999999Z'), (3, NULL, NULL)")


def partition_values(t):
    """Partitions by every type that can partition, with extremes, an empty text and NULL."""
    kinds = "b BOOLEAN, y TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, dec DECIMAL(20,4), str STRING, bin BINARY, day DATE, at TIMESTAMP"
    t.create(f"id INT, {kinds}", NO_DV, by=", ".join(kind.split()[0] for kind in kinds.split(", ")))
    t.sql(
        "INSERT INTO {t} VALUES (1, true, -128, -32768, -2147483648, -9223372036854775808, -0.5, 1e-300, -1234567890123456.7890, 'a b/c', X'01C3BC', DATE'0001-01-01', TIMESTAMP'1969-12-31 23:59:59.999999Z'),"
        " (2, false, 127, 32767, 2147483647, 9223372036854775807, float('NaN'), double('Infinity'), 0.0001, 'ü=%25&\"''', X'41', DATE'9999-12-31', TIMESTAMP'2024-02-29 12:00:00Z'),"
        " (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
        " (4, true, 0, 0, 0, 0, float('-Infinity'), double('-0.0'), 0, '', X'', DATE'1970-01-01', TIMESTAMP'9999-12-31 23:59:59.999999Z')"
    )


def special_names(t):
    """Names and values with special characters: columns in many scripts, partition folders that have to be escaped twice."""
    t.create("`Größe` INT, `名前` STRING, `a.b` INT, `x-y` STRING, `emoji😀` STRING, `p%q` STRING", NO_DV, by="`p%q`")
    values = ["100%", "a/b", "a b", "a+b", "a?b#c", "a:b", "a\\\\b", "{x}[y]", "äöü", "%2F", ".", "..", "x=y", "new\\nline", "'", "😀"]
    rows = ", ".join(f"({i}, 'n', {i}, 'x', '😀', '{value if value != chr(39) else chr(39) * 2}')" for i, value in enumerate(values))
    t.sql(f"INSERT INTO {{t}} VALUES {rows}")


def extreme_values(t):
    """Every type with its extremes, NaN, infinities, empty texts and NULL, at the top and nested."""
    t.create(
        "id INT, b BOOLEAN, y TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, d5 DECIMAL(5,2), d18 DECIMAL(18,9), d38 DECIMAL(38,10), str STRING, bin BINARY, day DATE,"
        " at TIMESTAMP, local TIMESTAMP_NTZ, nested STRUCT<xs: ARRAY<STRUCT<m: MAP<STRING, ARRAY<DECIMAL(10,1)>>>>, at: TIMESTAMP>", NO_DV,
    )
    t.sql(
        "INSERT INTO {t} VALUES (1, true, -128, -32768, -2147483648, -9223372036854775808, float('-Infinity'), double('-Infinity'), -999.99, -999999999.999999999,"
        " -9999999999999999999999999999.9999999999, '', X'', DATE'0001-01-01', TIMESTAMP'0001-01-01 00:00:00Z', TIMESTAMP_NTZ'0001-01-01 00:00:00',"
        " named_struct('xs', array(named_struct('m', map('k', array(1.5, NULL)))), 'at', TIMESTAMP'1582-10-04 00:00:00Z')),"
        " (2, false, 127, 32767, 2147483647, 9223372036854775807, float('NaN'), double('NaN'), 999.99, 999999999.999999999,"
        " 9999999999999999999999999999.9999999999, 'tab\\t \"quoted\" \\\\ ü 😀', X'00ff', DATE'9999-12-31', TIMESTAMP'9999-12-31 23:59:59.999999Z', TIMESTAMP_NTZ'9999-12-31 23:59:59.999999',"
        " named_struct('xs', array(), 'at', NULL)),"
        " (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
        " (4, true, 0, 0, 0, 0, 3.4028235E38, 4.9E-324, 0, 0.000000001, 0, 'z', X'7A', DATE'1970-01-01', TIMESTAMP'1970-01-01 00:00:00.000001Z', TIMESTAMP_NTZ'1969-12-31 23:59:59.999999',"
        " named_struct('xs', array(NULL, named_struct('m', map())), 'at', TIMESTAMP'1900-01-01 00:00:00Z'))"
    )


def legacy_parquet(t):
    """Files as old writers made them: INT96 timestamps, decimals as fixed bytes, lists and maps in the two-level form."""
    t.create("id INT, at TIMESTAMP, small DECIMAL(5,2), xs ARRAY<INT>, m MAP<STRING, INT>", NO_DV)
    t.with_settings(
        {"spark.sql.parquet.writeLegacyFormat": "true", "spark.sql.parquet.outputTimestampType": "INT96"},
        lambda: t.sql("INSERT INTO {t} VALUES (1, TIMESTAMP'2024-02-29 12:34:56.789012Z', 123.45, array(1, NULL, 3), map('a', 1)), (2, TIMESTAMP'1900-01-01 00:00:00Z', NULL, array(), map()), (3, NULL, -0.01, NULL, NULL)"),
    )


def legacy_calendar(t):
    """Files of the hybrid calendar that Spark wrote before version 3: dates and times before 1582 are Julian in them, by INT96 and otherwise; and one of another zone."""
    t.create("id INT, d DATE, at TIMESTAMP, local TIMESTAMP_NTZ, s STRUCT<ds: ARRAY<DATE>, at: TIMESTAMP>", NO_DV)
    legacy = {"spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY", "spark.sql.parquet.int96RebaseModeInWrite": "LEGACY"}
    days = ["0001-01-01", "0004-02-29", "0100-03-01", "0200-03-01", "0500-02-28", "0999-12-31", "1000-03-01", "1400-03-01", "1500-02-28", "1500-03-01", "1582-10-04", "1582-10-15", "1899-12-31", "2024-02-29"]
    for number, (kind, zone) in enumerate([("TIMESTAMP_MICROS", "UTC"), ("INT96", "UTC"), ("TIMESTAMP_MILLIS", "UTC"), ("TIMESTAMP_MICROS", "America/Los_Angeles")]):
        def time(day):
            return f"TIMESTAMP'{day} 23:59:59.123000Z'" if zone == "UTC" or day > "1900" else "NULL"
        rows = ", ".join(f"({100 * number + i}, DATE'{day}', {time(day)}, TIMESTAMP_NTZ'{day} 00:00:00', named_struct('ds', array(DATE'{day}', NULL), 'at', {time(day)}))" for i, day in enumerate(days))
        settings = {**legacy, "spark.sql.parquet.outputTimestampType": kind, "spark.sql.session.timeZone": zone}
        t.with_settings(settings, lambda: t.sql(f"INSERT INTO {{t}} VALUES {rows}"))


def dropped_feature(t):
    """Deletion vectors were purged and the feature dropped, which leaves the writer feature `checkpointProtection`."""
    t.create("id INT, name STRING", DV)
    t.sql("INSERT INTO {t} SELECT id, 'x' FROM range(5)", "DELETE FROM {t} WHERE id = 2", "ALTER TABLE {t} DROP FEATURE deletionVectors", "INSERT INTO {t} VALUES (9, 'after')")


def no_statistics(t):
    """Files without statistics, of which nothing may be skipped."""
    t.create("id INT, name STRING", NO_DV, "delta.dataSkippingNumIndexedCols = 0")
    t.with_settings({"spark.databricks.delta.stats.collect": "false"}, lambda: t.sql("INSERT INTO {t} VALUES (1, 'a')", "INSERT INTO {t} VALUES (2, NULL)"))


def long_texts(t):
    """Statistics whose bounds are texts cut short, with characters beyond the basic plane at the cut."""
    t.create("id INT, name STRING", NO_DV)
    t.sql("INSERT INTO {t} VALUES (1, repeat('a', 100)), (2, concat(repeat('b', 31), '😀😀')), (3, concat(repeat('z', 31), chr(127), 'x'))",
          "INSERT INTO {t} VALUES (4, concat(repeat('\\uFFFF', 40))), (5, repeat('😀', 40))")


MAKERS = [
    cdf_copy_on_write, cdf_deletion_vectors, cdf_deletion_vectors_without_cdc_files, cdf_schema_change, cdf_partitioned, cdf_enabled_later,
    cdf_column_mapping, cdf_in_commit_timestamps, type_widening, type_widening_nested, variant, row_tracking, in_commit_timestamps,
    variant_shredded, variant_changes, materialized_partition_columns, in_commit_timestamps_enabled_later, v2_checkpoint_json, v2_checkpoint_parquet, v2_checkpoint_without_hint, v2_checkpoint_without_sidecars,
    multi_part_checkpoint, checkpoint_with_parsed_columns, checkpoint_with_struct_statistics_only, log_compaction, deletion_vectors_in_one_file,
    deletion_vectors_inline, deletion_vectors_large, deletion_vectors_of_partitions, column_mapping_name, column_mapping_id,
    column_mapping_enabled_later, column_mapping_deletion_vectors, generated_columns, identity_columns, constraints, default_columns,
    clustered, timestamp_ntz_partitions, partition_values, special_names, extreme_values, legacy_parquet, legacy_calendar, dropped_feature, no_statistics, long_texts,
]


def make(spark, maker, work):
    """Makes one table below `work`, reads it back, and puts both in the place of those that were there."""
    name = maker.__name__.replace("_", "-")
    table = Table(spark, os.path.join(work, name))
    maker(table)
    # They are of files that the maker may have changed since, and would not be kept anyway.
    for checksum in glob.glob(os.path.join(table.path, "**", ".*.crc"), recursive=True, include_hidden=True):
        os.remove(checksum)
    spark.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    expected = os.path.join(work, f"{name}-expected")
    os.makedirs(expected)
    _write_rows(os.path.join(expected, "rows.ndjson"), _read(table, spark.read.format("delta").load(table.path)))
    newest = max(int(os.path.basename(path)[:20]) for path in glob.glob(table.log_file("*.json")))
    versions = {version: _count(spark, table.path, version) for version in range(newest + 1)}
    with open(os.path.join(expected, "versions.json"), "w", encoding="utf-8") as out:
        out.write(text_of({str(version): count for version, count in versions.items() if count is not None}) + "\n")
    timed = '"inCommitTimestamp"' in open(table.commit_file(newest), encoding="utf-8").read()
    for first, last in table.changes:
        reader = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", first).option("endingVersion", last)
        frame = reader.load(table.path)
        _write_rows(os.path.join(expected, f"changes-{first}-{last}.ndjson"), _read(table, frame if timed else frame.drop("_commit_timestamp")))
    target = os.path.join(FIXTURES, name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(table.path, os.path.join(target, "delta"), ignore=shutil.ignore_patterns(".*.crc", "*.crc", "_SUCCESS"))
    shutil.copytree(expected, os.path.join(target, "expected"))


def _read(table, frame):
    return frame.selectExpr(*[f"to_json({name}) AS {name}" if name in table.as_json else f"`{name}`" for name in frame.columns]), table.as_json


def _write_rows(path, frame_and_json):
    frame, as_json = frame_and_json
    rows = rows_of(frame.toArrow())
    for row in rows:
        for name in as_json:
            row[name] = row[name] and json.loads(row[name])
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(text + "\n" for text in sorted(text_of(row) for row in rows))


def _count(spark, path, version):
    try:
        return spark.read.format("delta").option("versionAsOf", version).load(path).count()
    except Exception as error:
        if "VersionNotFound" in str(error) or "DELTA_VERSION_NOT_FOUND" in str(error) or "DELTA_TRUNCATED_TRANSACTION_LOG" in str(error):
            return None
        raise


def write_readme(spark):
    """Says what is there and what made it."""
    from importlib.metadata import version

    lines = [
        "# Tables written by Spark",
        "",
        f"Made by [make-fixtures.py](../make-fixtures.py) on {date.today().isoformat()} with Spark {spark.version}, Delta Lake {version('delta-spark')} and Java "
        f"{spark.sparkContext._jvm.System.getProperty('java.version')}. Data only; `delta` is the table, `expected` what Spark reads of it:",
        "`rows.ndjson` the rows of the newest version, `changes-<from>-<to>.ndjson` the change feed of these versions, both included, and",
        "`versions.json` the number of rows of each version that can be read. Rows are in the form of `dyne table read --format ndjson`, their order is free.",
        "Variants are there as JSON. `_commit_timestamp` is left out where it is the time of a file.",
        "",
        "| table | what it is there for |",
        "| --- | --- |",
    ]
    for maker in MAKERS:
        name = maker.__name__.replace("_", "-")
        if os.path.isdir(os.path.join(FIXTURES, name)):
            lines.append(f"| `{name}` | {maker.__doc__} |")
    with open(os.path.join(FIXTURES, "README.md"), "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


def main(names):
    logging.getLogger("SQLQueryContextLogger").disabled = True
    with tempfile.TemporaryDirectory() as work:
        spark = spark_session(work, {"spark.databricks.delta.writeChecksum.enabled": "false"})
        failed = 0
        for maker in MAKERS:
            if names and maker.__name__.replace("_", "-") not in names:
                continue
            try:
                make(spark, maker, work)
                print(f"made {maker.__name__}", flush=True)
            except Exception as error:
                failed += 1
                print(f"failed: {maker.__name__}: {str(error)[:1500]}", flush=True)
        write_readme(spark)
        spark.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
