"""Rows of an Arrow table as text: one JSON object per row and without loss, in the form in which `dyne table read` prints them.

Timestamps are ISO-8601 with microseconds and Z, those without a time zone the same without Z, decimals text, 64-bit integers numbers
with all digits, 32-bit floats the double that they are, NaN and infinities text, binary base64, maps arrays of {"key", "value"}.
"""

import base64
import json
import math
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

_EPOCH = date(1970, 1, 1).toordinal()
_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def rows_of(table):
    """The rows of an Arrow table as dictionaries of values that JSON has."""
    columns = [(field.name, _column(field.type, table.column(i))) for i, field in enumerate(table.schema)]
    return [{name: values[row] for name, values in columns} for row in range(table.num_rows)]


def text_of(row):
    """A row as one line."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _column(kind, column):
    return [_value(kind, scalar) for scalar in column]


def _value(kind, scalar):
    if not scalar.is_valid:
        return None
    types = pa.types
    if types.is_dictionary(kind):
        return _value(kind.value_type, scalar.cast(kind.value_type))
    if types.is_float16(kind) or types.is_float32(kind) or types.is_float64(kind):
        return _floating(scalar.as_py())
    if types.is_decimal(kind):
        return format(scalar.as_py(), "f")
    if types.is_timestamp(kind):
        return _timestamp(scalar.value, kind)
    if types.is_date(kind):
        return _date(scalar.value if types.is_date32(kind) else scalar.value // 86_400_000)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return base64.b64encode(scalar.as_py()).decode("ascii")
    if types.is_struct(kind):
        return {field.name: _value(field.type, scalar[i]) for i, field in enumerate(kind)}
    if types.is_map(kind):
        return [
            {"key": _value(kind.key_type, entry[0]), "value": _value(kind.item_type, entry[1])} for entry in scalar.values
        ]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_list_view(kind) or types.is_fixed_size_list(kind):
        return _column(kind.value_type, scalar.values)
    return scalar.as_py()


def _floating(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _timestamp(value, kind):
    micros = value // 1_000 if kind.unit == "ns" else value * _UNITS[kind.unit]
    days, rest = divmod(micros, 86_400_000_000)
    seconds, micros = divmod(rest, 1_000_000)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{_date(days)}T{hours:02}:{minutes:02}:{seconds % 60:02}.{micros:06}{'' if kind.tz is None else 'Z'}"


def _date(days):
    return (date.fromordinal(_EPOCH) + timedelta(days=days)).isoformat()


def table_of(schema, rows):
    """An Arrow table of rows in the form above; `schema` is Delta's, parsed. The inverse of `rows_of`."""
    fields = [pa.field(field["name"], arrow_type(field["type"]), field["nullable"]) for field in schema["fields"]]
    columns = [pa.array([_parsed(field.type, row.get(field.name)) for row in rows], field.type) for field in fields]
    return pa.table(columns, pa.schema(fields))


_PRIMITIVES = {
    "string": pa.string(),
    "long": pa.int64(),
    "integer": pa.int32(),
    "short": pa.int16(),
    "byte": pa.int8(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}


def arrow_type(kind):
    """The Arrow type of a type in a Delta schema."""
    if isinstance(kind, str):
        if not kind.startswith("decimal("):
            return _PRIMITIVES[kind]
        precision, scale = kind[len("decimal(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    if kind["type"] == "struct":
        return pa.struct([pa.field(field["name"], arrow_type(field["type"]), field["nullable"]) for field in kind["fields"]])
    if kind["type"] == "array":
        return pa.list_(pa.field("element", arrow_type(kind["elementType"]), kind["containsNull"]))
    return pa.map_(arrow_type(kind["keyType"]), pa.field("value", arrow_type(kind["valueType"]), kind["valueContainsNull"]))


def _parsed(kind, value):
    if value is None:
        return None
    types = pa.types
    if types.is_struct(kind):
        return {field.name: _parsed(field.type, value.get(field.name)) for field in kind}
    if types.is_list(kind):
        return [_parsed(kind.value_type, element) for element in value]
    if types.is_map(kind):
        return [(_parsed(kind.key_type, entry["key"]), _parsed(kind.item_type, entry["value"])) for entry in value]
    if types.is_floating(kind):
        return float(value)
    if types.is_decimal(kind):
        return Decimal(value)
    if types.is_date(kind):
        return date.fromisoformat(value)
    if types.is_timestamp(kind):
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    if types.is_binary(kind):
        return base64.b64decode(value)
    return value
