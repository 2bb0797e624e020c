"""Spark with Delta Lake as a peer: writes tables, reads tables. Requests and answers: lines.py; rows: shapes.py.

    python peer.py <folder for what Spark writes beside tables>
"""

import json
import logging
import sys
from importlib.metadata import version

from lines import serve
from pyspark.sql import DataFrame
from session import spark_session
from shapes import rows_of, table_of, text_of

logging.getLogger("SQLQueryContextLogger").disabled = True
spark = spark_session(sys.argv[1])


def texts(frame):
    return [text_of(row) for row in rows_of(frame.toArrow())]


def forget():
    """What Spark remembers of tables may be older than they are: others write them too."""
    spark.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


def read(request):
    """Rows of a version, or of the newest, as texts."""
    forget()
    reader = spark.read.format("delta")
    if "version" in request:
        reader = reader.option("versionAsOf", request["version"])
    frame = reader.load(request["path"])
    return texts(frame.where(request["where"]) if "where" in request else frame)


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
    writer = frame_of(request).write.format("delta").mode(request["mode"]).options(**request.get("options", {}))
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
    jvm = spark.sparkContext._jvm
    none = jvm.scala.Option.empty()
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, request["path"])
    log.checkpoint(log.update(False, none, none), none)


def txn(request):
    """The version that an application recorded, or null."""
    forget()
    none = spark.sparkContext._jvm.scala.Option.empty()
    log = spark.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, request["path"])
    found = log.update(False, none, none).transactions().get(request["appId"])
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
    operations = {"read": read, "changes": changes, "sql": sql, "write": write, "merge": merge, "checkpoint": checkpoint, "txn": txn, "python": python}
    serve(operations, {"Spark": spark.version, "Delta Lake": version("delta-spark"), "Java": java})
    spark.stop()
