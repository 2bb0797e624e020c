"""Spark with Delta Lake as a peer: writes tables, reads tables. Requests and answers: lines.py; rows: shapes.py.

    python peer.py <folder for what Spark writes beside tables>
"""

import json
import logging
import sys
from importlib.metadata import version

from lines import serve
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType, StructType, VariantType
from session import spark_session
from shapes import rows_of, table_of, text_of

logging.getLogger("SQLQueryContextLogger").disabled = True
spark = spark_session(sys.argv[1])


def texts(frame):
    """Rows as texts. Variants are what `to_json` makes of them, and so is all that has one in it: Arrow has no variants."""
    names = [field.name for field in frame.schema if has_variant(field.dataType)]
    if not names:
        return texts_of(frame.toArrow())
    chosen = [F.to_json(quoted(name), {"ignoreNullFields": "false"}).alias(name) if name in names else quoted(name) for name in frame.columns]
    rows = rows_of(frame.select(chosen).toArrow())
    return [text_of({name: json.loads(value) if name in names and value is not None else value for name, value in row.items()}) for row in rows]


def quoted(name):
    return F.col("`" + name.replace("`", "``") + "`")


def has_variant(kind):
    if isinstance(kind, StructType):
        return any(has_variant(field.dataType) for field in kind)
    if isinstance(kind, ArrayType):
        return has_variant(kind.elementType)
    if isinstance(kind, MapType):
        return has_variant(kind.keyType) or has_variant(kind.valueType)
    return isinstance(kind, VariantType)


def texts_of(table):
    return [text_of(row) for row in rows_of(table)]


def forget():
    """What Spark remembers of tables may be older than they are: others write them too."""
    spark.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


def read(request):
    """Rows of a version, of a moment, or of the newest version, as texts."""
    forget()
    reader = spark.read.format("delta")
    if "version" in request:
        reader = reader.option("versionAsOf", request["version"])
    if "timestamp" in request:
        reader = reader.option("timestampAsOf", request["timestamp"])
    return texts(reader.load(request["path"]))


def filtered(request):
    """For each condition: the rows that meet it where files are skipped, those that meet it by looking at every row, and how many files were read."""
    forget()
    frame = spark.read.format("delta").load(request["path"])
    met = [f"`met {i}`" for i in range(len(request["where"]))]
    looked = frame.selectExpr("*", *[f"({condition}) AS {name}" for condition, name in zip(request["where"], met)]).toArrow()
    all_rows = texts_of(looked.select(frame.columns))
    answers = []
    for condition, name in zip(request["where"], met):
        chosen = frame.where(condition)
        true = looked.column(name.strip("`")).to_pylist()
        rows = [row for row, is_met in zip(all_rows, true) if is_met]
        answers.append({"rows": texts(chosen), "looked": rows, "files": len(chosen.inputFiles())})
    return answers


def query(request):
    """The rows that a statement gives, as texts; `{t}` is the table."""
    forget()
    return texts(spark.sql(request["statement"].replace("{t}", f"delta.`{request['path']}`")))


def changes(request):
    """The change feed of versions, both included, as texts."""
    forget()
    reader = spark.read.format("delta").option("readChangeFeed", "true")
    reader = reader.option("startingVersion", request["from"]).option("endingVersion", request["to"])
    return texts(reader.load(request["path"]))


def sql(request):
    """Runs statements, in which `{t}` is the table."""
    forget()
    for statement in request["statements"]:
        spark.sql(statement.replace("{t}", f"delta.`{request['path']}`"))


def frame_of(request):
    return spark.createDataFrame(table_of(json.loads(request["schema"]), [json.loads(row) for row in request["rows"]]))


def write(request):
    """Appends rows, or overwrites with them; makes the table where it is not there."""
    forget()
    writer = frame_of(request).write.format("delta").mode(request["mode"]).options(**request.get("configuration", {}))
    writer.partitionBy(*request.get("partitionBy", [])).save(request["path"])


def merge(request):
    """Updates the rows that have the key of a given row, and inserts the others."""
    forget()
    frame_of(request).createOrReplaceTempView("merged")
    on = f"t.{request['key']} = s.{request['key']}"
    spark.sql(
        f"MERGE INTO delta.`{request['path']}` AS t USING merged AS s ON {on} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def checkpoint(request):
    """Writes a checkpoint of the newest version."""
    forget()
    none = spark.sparkContext._jvm.scala.Option.empty()
    log = delta_log(request)
    log.checkpoint(log.update(False, none, none), none)


def delta_log(request):
    return spark.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, request["path"])


def versions_at(request):
    """The version that the table had at each of these moments, in milliseconds, by which Spark reads `TIMESTAMP AS OF`; null where there was none."""
    forget()
    jvm = spark.sparkContext._jvm
    history = delta_log(request).history()

    def at(ms):
        try:
            return history.getActiveCommitAtTime(jvm.java.sql.Timestamp(ms), jvm.scala.Option.empty(), False, True, False).version()
        except AnalysisException as error:
            if error.getCondition() != "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION":
                raise
            return None

    return [at(ms) for ms in request["moments"]]


def txn(request):
    """The version that an application recorded, or null."""
    forget()
    none = spark.sparkContext._jvm.scala.Option.empty()
    found = delta_log(request).update(False, none, none).transactions().get(request["appId"])
    return found.get() if found.isDefined() else None


def python(request):
    """Runs lines of Python, `spark` being the session. Gives how many rows each line that is an expression has."""
    names, counts = {"spark": spark}, []
    for line in request["lines"]:
        try:
            expression = compile(line, "<line>", "eval")
        except SyntaxError:
            exec(line, names)
            continue
        value = eval(expression, names)
        counts.append(value.count() if isinstance(value, DataFrame) else len(value))
    return counts


if __name__ == "__main__":
    java = spark.sparkContext._jvm.System.getProperty("java.version")
    operations = {"read": read, "filtered": filtered, "query": query, "changes": changes, "sql": sql, "write": write, "merge": merge,
                  "checkpoint": checkpoint, "versions at": versions_at, "txn": txn, "python": python}
    serve(operations, {"Spark": spark.version, "Delta Lake": version("delta-spark"), "Java": java})
    spark.stop()
