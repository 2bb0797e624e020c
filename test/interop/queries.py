"""Spark as a peer that computes queries over rows that it is given. Requests and answers: lines.py; rows: shapes.py.

    python queries.py <folder for what Spark writes>
"""

import json
import sys

from lines import serve
from pyspark.sql import SparkSession
from session import SETTINGS
from shapes import rows_of, table_of, text_of

UNUSED = {"spark.sql.extensions", "spark.sql.catalog.spark_catalog"}


def started(folder):
    builder = SparkSession.builder.master("local[2]").appName("queries")
    settings = {key: value for key, value in SETTINGS.items() if key not in UNUSED and ".delta." not in key}
    for key, value in {**settings, "spark.sql.warehouse.dir": f"{folder}/warehouse"}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


spark = started(sys.argv[1])


def tables(request):
    """Makes views of rows, by name."""
    for name, table in request["tables"].items():
        rows = [json.loads(row) for row in table["rows"]]
        spark.createDataFrame(table_of(json.loads(table["schema"]), rows)).createOrReplaceTempView(name)


def query(request):
    """The rows of a query, as texts."""
    return [text_of(row) for row in rows_of(spark.sql(request["sql"]).toArrow())]


if __name__ == "__main__":
    serve({"tables": tables, "query": query}, {"Spark": spark.version})
    spark.stop()
