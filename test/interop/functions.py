"""Spark as a peer that computes expressions, row by row and group by group. Requests and answers: lines.py.

    python functions.py <folder for what Spark writes>

An expression has an answer per row: {"error": true} where Spark raises one for it, or {"value": …}. Values are exact: 64-bit integers and
decimals are text, days and microseconds since 1970 text too, binary base64, NaN and infinities text, maps lists of {"key", "value"}.
"""

import base64
import json
import math
import sys

import pyarrow as pa
from lines import serve
from pyspark.sql import DataFrame, SparkSession
from session import SETTINGS
from shapes import table_of

UNUSED = {"spark.sql.extensions", "spark.sql.catalog.spark_catalog"}


def started(folder):
    builder = SparkSession.builder.master("local[2]").appName("functions")
    settings = {key: value for key, value in SETTINGS.items() if key not in UNUSED and ".delta." not in key}
    for key, value in {**settings, "spark.sql.warehouse.dir": f"{folder}/warehouse"}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


spark = started(sys.argv[1])
jvm = spark.sparkContext._jvm
parser = spark._jsparkSession.sessionState().sqlParser()


def frame_of(request):
    rows = [json.loads(row) for row in request["rows"]]
    return spark.createDataFrame(table_of(json.loads(request["schema"]), rows))


def tried(text, name):
    """A column with a struct that has the expression's value; NULL where it raises an error."""
    parsed = parser.parseExpression(f"named_struct('value', {text})")
    caught = jvm.org.apache.spark.sql.catalyst.expressions.TryEval(parsed)
    return jvm.org.apache.spark.sql.classic.ExpressionUtils.column(caught).alias(name)


def scalars(request):
    """Answers by expression, then by row. With "alone", each row has a query of its own: maps that cannot be made spoil those after them."""
    names = [f"c{i}" for i in range(len(request["expressions"]))]
    columns = [tried(text, name) for text, name in zip(request["expressions"], names)]
    rows = [[row] for row in request["rows"]] if request.get("alone") else [request["rows"]]
    frames = [DataFrame(frame_of({**request, "rows": some})._jdf.select(jvm.PythonUtils.toSeq(columns)), spark) for some in rows]
    return answers(pa.concat_tables(frame.toArrow() for frame in frames), names)


def aggregates(request):
    """Answers by query, then by group. Queries have the columns `g`, a whole number, and `value`; `{t}` in them is the table of inputs."""
    frame_of(request).createOrReplaceTempView("inputs")
    return [answers(of_groups(query), ["c"])[0] for query in request["queries"]]


def of_groups(query):
    """An error stops a query: then each group has a query of its own."""
    wrapped = f"SELECT named_struct('value', value) AS c FROM ({query}) ORDER BY g"
    try:
        return spark.sql(wrapped.replace("{t}", "inputs")).toArrow()
    except Exception:
        groups = [row.g for row in spark.sql("SELECT DISTINCT g FROM inputs ORDER BY g").collect()]
        return pa.concat_tables(of_group(wrapped, f"(SELECT * FROM inputs WHERE g = {group})") for group in groups)


def of_group(query, rows):
    kind = spark.sql(query.replace("{t}", "(SELECT * FROM inputs LIMIT 0)")).toArrow().schema
    try:
        return spark.sql(query.replace("{t}", rows)).toArrow()
    except Exception:
        return pa.table([pa.array([None], kind.field(0).type)], kind)


def answers(table, names):
    return [[answer_of(table.column(name).type, scalar) for scalar in table.column(name)] for name in names]


def answer_of(kind, scalar):
    return {"value": value_of(kind.field(0).type, scalar[0])} if scalar.is_valid else {"error": True}


def value_of(kind, scalar):
    if not scalar.is_valid:
        return None
    types = pa.types
    if types.is_floating(kind):
        value = scalar.as_py()
        return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if types.is_date(kind) or types.is_timestamp(kind) or types.is_int64(kind):
        return str(scalar.value if not types.is_int64(kind) else scalar.as_py())
    if types.is_decimal(kind):
        return format(scalar.as_py(), "f")
    if types.is_binary(kind) or types.is_large_binary(kind):
        return base64.b64encode(scalar.as_py()).decode("ascii")
    if types.is_struct(kind):
        return {field.name: value_of(field.type, scalar[i]) for i, field in enumerate(kind)}
    if types.is_map(kind):
        return [{"key": value_of(kind.key_type, entry[0]), "value": value_of(kind.item_type, entry[1])} for entry in scalar.values]
    if types.is_list(kind):
        return [value_of(kind.value_type, element) for element in scalar.values]
    return scalar.as_py()


if __name__ == "__main__":
    serve({"scalars": scalars, "aggregates": aggregates}, {"Spark": spark.version})
    spark.stop()
