/**
 * What is asked of a table, as text:
 *
 *     select=origin,destination          columns, in this order
 *     where=delay:gt:30                  column, operator, value; each `where` must hold
 *     where=origin:in:LAS,PHL            a list
 *     where=state:isnull                 no value
 *     order=delay:desc:nullslast,origin  columns, directions, and where NULLs go: as in Spark, first when ascending and last when descending
 *
 * In names and lists a backslash takes the next character as it is: `a\:b`, `in:x\,y`. Any other value is everything after the second colon.
 */
import { DyneError, limits } from "../core/index.ts";
import { literalOfText, typeName, unknownColumn, type DataType, type Literal, type Schema } from "../plan/index.ts";
import {
  isComparable,
  typeOfColumn,
  visibleColumns,
  type RowCondition,
  type RowOrder,
  type RowQuery,
} from "../table/index.ts";

/** The texts of the parameters. */
export interface RowQueryTexts {
  readonly select: readonly string[];
  readonly where: readonly string[];
  readonly order: readonly string[];
}

/** Errors: UNKNOWN_COLUMN, INVALID_ARGUMENT, both naming the parameter's text. */
export function parseRowQuery(schema: Schema, table: string, texts: RowQueryTexts): RowQuery {
  const columns = new Columns(schema, table);
  const selected = texts.select.flatMap((text) => split(text, ",").map((name) => columns.named(unescaped(name))));
  refuseTwice("select", selected);
  const orders = texts.order.flatMap((text) => split(text, ",").map((item) => parseOrder(columns, item)));
  refuseTwice(
    "order",
    orders.map(({ column }) => column),
  );
  if (orders.length > limits.pageOrdersMax)
    throw wrong(texts.order.join(), `there may be ${limits.pageOrdersMax} columns to order by`);
  return {
    columns: selected.length === 0 ? visibleColumns(schema) : selected,
    conditions: texts.where.map((text) => parseCondition(columns, text)),
    orders,
  };
}

/** The columns that a caller may name. */
class Columns {
  readonly #schema: Schema;
  readonly #table: string;
  readonly #names: readonly string[];

  constructor(schema: Schema, table: string) {
    this.#schema = schema;
    this.#table = table;
    this.#names = visibleColumns(schema);
  }

  named(name: string): string {
    if (this.#names.includes(name)) return name;
    throw unknownColumn(name.slice(0, limits.sampleCharacters), this.#names, this.#table);
  }

  type(name: string): DataType {
    return typeOfColumn(this.#schema, this.named(name));
  }

  /** Throws where values of the column have no order. */
  comparable(name: string, text: string): DataType {
    const type = this.type(name);
    if (isComparable(type)) return type;
    throw wrong(text, `${name} is ${typeName(type)}, whose values are not compared; isnull and notnull are there`);
  }
}

const comparisons = ["eq", "ne", "lt", "le", "gt", "ge"] as const;

function parseCondition(columns: Columns, text: string): RowCondition {
  const [name = "", kind, ...rest] = split(text, ":");
  const column = columns.named(unescaped(name));
  const value = kind === undefined || rest.length === 0 ? undefined : text.slice(name.length + kind.length + 2);
  if (kind === "isnull" || kind === "notnull") {
    if (value !== undefined) throw wrong(text, `${kind} takes no value`);
    return { kind, column };
  }
  if (kind === "in" || kind === "startswith" || comparisons.some((each) => each === kind)) {
    if (value === undefined) throw wrong(text, `${kind} needs a value: ${name}:${kind}:…`);
    return valueCondition(columns, text, { column, kind: kind as ValueKind, value });
  }
  throw wrong(text, `an operator is one of ${[...comparisons, "in", "startswith", "isnull", "notnull"].join(", ")}`);
}

type ValueKind = (typeof comparisons)[number] | "in" | "startswith";

function valueCondition(
  columns: Columns,
  text: string,
  { column, kind, value }: { readonly column: string; readonly kind: ValueKind; readonly value: string },
): RowCondition {
  const type = columns.comparable(column, text);
  if (kind === "in") {
    const values = split(value, ",").map((each) => literal(text, unescaped(each), type));
    return { kind, column, values };
  }
  if (kind !== "startswith") return { kind, column, value: literal(text, value, type) };
  if (type.kind !== "string") throw wrong(text, `startswith is for text, and ${column} is ${typeName(type)}`);
  return { kind, column, text: value };
}

function literal(text: string, value: string, type: DataType): NonNullable<Literal["value"]> {
  const found = literalOfText(value, type);
  if (found !== undefined) return found;
  throw wrong(text, `${JSON.stringify(value.slice(0, 80))} is no value of the type ${typeName(type)}`);
}

function parseOrder(columns: Columns, text: string): RowOrder {
  const [name = "", ...words] = split(text, ":");
  const column = columns.named(unescaped(name));
  columns.comparable(column, text);
  const [direction = "asc", nulls = direction === "asc" ? "nullsfirst" : "nullslast", ...more] = words;
  const isWord = ["asc", "desc"].includes(direction) && ["nullsfirst", "nullslast"].includes(nulls);
  if (!isWord || more.length > 0) throw wrong(text, "an order is column[:asc|desc[:nullsfirst|nullslast]]");
  return {
    column,
    direction: direction === "asc" ? "ascending" : "descending",
    nulls: nulls === "nullsfirst" ? "first" : "last",
  };
}

function refuseTwice(parameter: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw wrong(`${parameter}=${twice}`, "the column is there twice");
}

/** The parts between separators that no backslash stands before; backslashes stay. */
function split(text: string, separator: string): string[] {
  const parts = [""];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === separator) parts.push("");
    else parts[parts.length - 1] += character === "\\" ? character + (text[++at] ?? "") : character;
  }
  return parts;
}

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, "$1");
}

function wrong(text: string, why: string): DyneError {
  return new DyneError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(text.slice(0, limits.sampleCharacters))} is wrong: ${why}. Correct it.`,
  );
}
