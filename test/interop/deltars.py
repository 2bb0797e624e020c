"""delta-rs, with DuckDB and pandas beside it, as a peer: writes tables, reads tables. Requests and answers: lines.py; rows: shapes.py."""

import json
from importlib.metadata import version

from lines import serve  # First: it takes the standard output.

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, Transaction, write_deltalake
from shapes import rows_of, table_of, text_of


def texts(table):
    return [text_of(row) for row in rows_of(table)]


def table_at(request):
    return DeltaTable(request["path"], version=request.get("version"))


def read(request):
    """Rows of a version, or of the newest, as texts."""
    return texts(selected(table_at(request)))


def filtered(request):
    """The rows that meet each of the conditions."""
    table = table_at(request)
    return [{"rows": texts(selected(table, f" where {condition}"))} for condition in request["where"]]


def selected(table, where=""):
    return pa.table(QueryBuilder().register("t", table).execute(f"select * from t{where}"))


def changes(request):
    """The change feed of versions, both included, as texts."""
    return texts(pa.table(table_at({"path": request["path"]}).load_cdf(starting_version=request["from"], ending_version=request["to"])))


def rows_given(request):
    return table_of(json.loads(request["schema"]), [json.loads(row) for row in request["rows"]])


def write(request):
    """Appends rows, or overwrites with them; makes the table where it is not there."""
    write_deltalake(
        request["path"],
        rows_given(request),
        mode=request["mode"],
        partition_by=request.get("partitionBy") or None,
        configuration=request.get("configuration") or None,
        commit_properties=CommitProperties(app_transactions=[Transaction(**txn) for txn in request.get("txns", [])]),
    )


def merge(request):
    """Updates the rows that have the key of a given row, and inserts the others."""
    on = f"t.{request['key']} = s.{request['key']}"
    merger = table_at(request).merge(rows_given(request), predicate=on, source_alias="s", target_alias="t")
    merger.when_matched_update_all().when_not_matched_insert_all().execute()


def delete(request):
    """Deletes the rows that meet a condition."""
    table_at(request).delete(request["where"])


def update(request):
    """Sets columns of the rows that meet a condition to the results of expressions."""
    table_at(request).update(updates=request["set"], predicate=request["where"])


def optimize(request):
    """Compacts small files."""
    table_at(request).optimize.compact()


def checkpoint(request):
    """Writes a checkpoint of the newest version."""
    table_at(request).create_checkpoint()


def detail(request):
    """What the table says of itself."""
    table = table_at(request)
    return {"version": table.version(), "files": len(table.file_uris()), "schema": table.schema().to_json()}


def txn(request):
    """The version that an application recorded, or null."""
    return table_at(request).transaction_version(request["appId"])


if __name__ == "__main__":
    operations = {"read": read, "filtered": filtered, "changes": changes, "write": write, "merge": merge, "delete": delete, "update": update,
                  "optimize": optimize, "checkpoint": checkpoint, "detail": detail, "txn": txn}
    serve(operations, {"delta-rs": version("deltalake"), "DuckDB": version("duckdb"), "pandas": version("pandas")})
