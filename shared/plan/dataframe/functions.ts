/** Functions on columns, named as in Spark's DataFrame API. */
import type { ArrayType, DataType, DecimalType, StructField, StructFields, StructType } from "../types.ts";
import type {
  BooleanType,
  DateType,
  DoubleType,
  IntegerType,
  IntegralType,
  LongType,
  NumericType,
  StringType,
  StructOf,
  TimestampNtzType,
  TimestampType,
} from "../data-type.ts";
import { DyneError } from "../../core/errors.ts";
import { commonType } from "../functions/index.ts";
import { typeName } from "../type-name.ts";
import type { FromJson } from "../expression.ts";
import { aggregate, Column, expressionOf, literal, operandOf, scalar } from "./column.ts";
import { typeGiven } from "../data-type.ts";
import { optionsGiven, wordGiven } from "./given.ts";
import type { AggregateColumn, AnyColumn, TimeType, ValueOf } from "./column.ts";

/** A constant of a type; NULL too. */
export function lit<Type extends DataType>(value: ValueOf<Type> | null, type: Type): Column<Type> {
  return literal(value, type);
}

/** The first value that is not NULL. */
export function coalesce<Type extends DataType>(
  first: Column<Type>,
  ...others: readonly (Column<Type> | ValueOf<Type>)[]
): Column<Type> {
  return scalar("coalesce", [first, ...others.map((other) => operandOf(first, other))]);
}
/** `then` where there is a value, `otherwise` where it is NULL. */
export function nvl2<Type extends DataType>(
  value: AnyColumn,
  then: Column<Type>,
  otherwise: Column<Type> | ValueOf<Type>,
): Column<Type> {
  return scalar("nvl2", [value, then, operandOf(then, otherwise)]);
}
/** NULL where both values are equal, otherwise the first. */
export function nullif<Type extends DataType>(value: Column<Type>, other: Column<Type> | ValueOf<Type>): Column<Type> {
  return scalar("nullif", [value, operandOf(value, other)]);
}
/** The greatest value; NULLs are passed over. */
export function greatest<Type extends DataType>(
  first: Column<Type>,
  ...others: readonly (Column<Type> | ValueOf<Type>)[]
): Column<Type> {
  return scalar("greatest", [first, ...others.map((other) => operandOf(first, other))]);
}
/** The least value; NULLs are passed over. */
export function least<Type extends DataType>(
  first: Column<Type>,
  ...others: readonly (Column<Type> | ValueOf<Type>)[]
): Column<Type> {
  return scalar("least", [first, ...others.map((other) => operandOf(first, other))]);
}

/**
 * The calendar day in UTC. Text must be YYYY-MM-DD, or have the pattern that is given (of yyyy, MM, dd and signs); other text is an error of
 * the row.
 */
export function toDate(value: Column<StringType | TimeType>): Column<DateType>;
export function toDate(text: Column<StringType>, pattern: string): Column<DateType>;
export function toDate(value: Column<StringType | TimeType>, pattern?: string): Column<DateType> {
  if (pattern === undefined) return value.cast<DateType>({ kind: "date" });
  return scalar("to_date", [value, literal(pattern, { kind: "string" })]);
}
/**
 * A moment. Text must be ISO-8601 date and time (UTC where it has no zone), or have the pattern that is given (of yyyy, MM, dd, HH, mm, ss,
 * SSS, SSSSSS and signs; UTC); other text is an error of the row.
 */
export function toTimestamp(value: Column<StringType | TimeType>): Column<TimestampType>;
export function toTimestamp(text: Column<StringType>, pattern: string): Column<TimestampType>;
export function toTimestamp(value: Column<StringType | TimeType>, pattern?: string): Column<TimestampType> {
  if (pattern === undefined) return value.cast<TimestampType>({ kind: "timestamp" });
  return scalar("to_timestamp", [value, literal(pattern, { kind: "string" })]);
}
/** The start of the unit that a time lies in; weeks start on Monday. */
export function dateTrunc<Time extends TimestampType | TimestampNtzType>(
  unit: "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second",
  time: Column<Time>,
): Column<Time> {
  return scalar("date_trunc", [literal(unit, { kind: "string" }), time]);
}
export function year(time: Column<TimeType>): Column<IntegerType> {
  return scalar("year", [time]);
}
export function month(time: Column<TimeType>): Column<IntegerType> {
  return scalar("month", [time]);
}
/** The day of the month. */
export function day(time: Column<TimeType>): Column<IntegerType> {
  return scalar("day", [time]);
}
export function hour(time: Column<TimestampType | TimestampNtzType>): Column<IntegerType> {
  return scalar("hour", [time]);
}
export function minute(time: Column<TimestampType | TimestampNtzType>): Column<IntegerType> {
  return scalar("minute", [time]);
}
/** Days from `start` to `end`. */
export function dateDiffDays(end: Column<DateType>, start: Column<DateType>): Column<IntegerType> {
  return scalar("date_diff_days", [end, start]);
}
/** Microseconds since 1970. */
export function unixMicros(time: Column<TimestampType>): Column<LongType> {
  return scalar("unix_micros", [time]);
}
/** The batch's timestamp: the same for every row of a batch and for every run of it. Not for materialized views. */
export function currentTimestamp(): Column<TimestampType> {
  return new Column(
    { kind: "parameter", name: "current_timestamp", type: { kind: "timestamp" } },
    { kind: "timestamp" },
  );
}

/**
 * A struct read from JSON text. What does not fit the schema is an error of the row, as are repeated keys; JSON's null and absent fields
 * are NULL. `unknownFields: "reject"` makes other fields an error, `nullInput: "reject"` a NULL text (bytes that were no text).
 */
export function fromJson<Fields extends StructFields>(
  text: Column<StringType>,
  schema: StructType<Fields>,
  options: Partial<Pick<FromJson, "unknownFields" | "nullInput">> = {},
): Column<StructType<Fields>> {
  typeGiven(schema, "The schema of fromJson");
  optionsGiven(options, ["unknownFields", "nullInput"], "fromJson");
  const { unknownFields = "ignore", nullInput = "null" } = options;
  wordGiven(unknownFields, ["ignore", "reject"], "unknownFields of fromJson");
  wordGiven(nullInput, ["null", "reject"], "nullInput of fromJson");
  return new Column(
    { kind: "fromJson", input: expressionOf(text, "fromJson"), schema, unknownFields, nullInput },
    schema,
  );
}
/** A struct or an array as JSON text. */
export function toJson(value: Column<StructType | ArrayType>): Column<StringType> {
  return scalar("to_json", [value]);
}
/**
 * The value at a path of JSON text, as Spark's get_json_object: `$.a.b[0]['c d']`, from `$`, the whole. A string comes without quotes, an
 * object or an array as JSON text; NULL where there is none, where it is JSON's null in an object, and where the text is no JSON.
 * Errors: TYPE_MISMATCH for wildcards and for what is no path.
 */
export function getJsonObject(json: Column<StringType>, path: string): Column<StringType> {
  return scalar("get_json_object", [json, literal<StringType>(path, { kind: "string" })]);
}
/** A struct of columns by name. */
export function namedStruct<const Columns extends Readonly<Record<string, AnyColumn>>>(
  columns: Columns,
): Column<StructOf<{ [Name in keyof Columns]: Columns[Name]["type"] }>> {
  const entries = Object.entries(columns);
  const args = entries.flatMap(([name, column]) => [
    literal(name, { kind: "string" }).expression,
    expressionOf(column, `"${name}" of namedStruct`),
  ]);
  const fields = Object.fromEntries(entries.map(([name, column]) => [name, { type: column.type, nullable: true }]));
  const type = { kind: "struct", fields } as unknown as StructOf<{ [Name in keyof Columns]: Columns[Name]["type"] }>;
  return new Column({ kind: "call", name: "named_struct", args }, type);
}

/** CASE: the value of the first condition that is true, otherwise NULL or what `otherwise` gives. */
export function when<Type extends DataType>(condition: Column<BooleanType>, then: Column<Type>): CaseColumn<Type> {
  expressionOf(then, "when");
  return new CaseColumn([{ when: condition, then }], then.type);
}

/** A CASE that can take more branches. */
class CaseColumn<Type extends DataType> extends Column<Type> {
  readonly #branches: readonly { readonly when: Column<BooleanType>; readonly then: Column<Type> }[];

  constructor(branches: readonly { readonly when: Column<BooleanType>; readonly then: Column<Type> }[], type: Type) {
    super(caseOf(branches, undefined), type);
    this.#branches = branches;
  }

  when(condition: Column<BooleanType>, then: Column<Type>): CaseColumn<Type> {
    expressionOf(then, "when");
    return new CaseColumn([...this.#branches, { when: condition, then }], common(this.type, then.type));
  }

  otherwise(value: Column<Type> | ValueOf<Type>): Column<Type> {
    const column = operandOf(this, value);
    return new Column(caseOf(this.#branches, column), common(this.type, column.type as Type));
  }
}

function caseOf(
  branches: readonly { readonly when: AnyColumn; readonly then: AnyColumn }[],
  otherwise: AnyColumn | undefined,
): AnyColumn["expression"] {
  return {
    kind: "case",
    branches: branches.map(({ when: condition, then }) => ({
      when: expressionOf(condition, "when"),
      then: then.expression,
    })),
    otherwise: otherwise?.expression,
  };
}

function common<Type extends DataType>(a: Type, b: Type): Type {
  const type = commonType(a, b);
  if (type !== undefined) return type as Type;
  throw new DyneError(
    "TYPE_MISMATCH",
    `The results of when() have no common type: ${typeName(a)} and ${typeName(b)}. Cast them to one type.`,
  );
}

/** The struct with one more field at its end, or with another value in a field that it has; NULL where it is. Spark's Column.withField. */
export function withField<Fields extends StructFields, Name extends string, Type extends DataType>(
  struct: Column<StructType<Fields>>,
  name: Name,
  value: Column<Type>,
): Column<StructType<Omit<Fields, Name> & { readonly [Added in Name]: StructField<Type> }>> {
  return whereGiven(struct, { ...struct.fields, [name]: value });
}
/** The struct without some of its fields, of which one must remain; NULL where it is. Errors: UNKNOWN_COLUMN, TYPE_MISMATCH. */
export function dropFields<Fields extends StructFields, Name extends keyof Fields & string>(
  struct: Column<StructType<Fields>>,
  ...names: readonly Name[]
): Column<StructType<Omit<Fields, Name>>> {
  const fields = Object.entries<AnyColumn>(struct.fields);
  const missing = names.find((name) => !Object.hasOwn(struct.type.fields, name));
  if (missing !== undefined)
    throw new DyneError(
      "UNKNOWN_COLUMN",
      `The struct has no field "${missing}" to drop. It has ${fields.map(([name]) => name).join(", ")}.`,
    );
  const kept = fields.filter(([name]) => !(names as readonly string[]).includes(name));
  if (kept.length === 0)
    throw new DyneError("TYPE_MISMATCH", "A struct needs a field. Drop fewer, or the column itself.");
  return whereGiven(struct, Object.fromEntries(kept));
}

function whereGiven<Type extends StructType>(
  struct: AnyColumn,
  fields: Readonly<Record<string, AnyColumn>>,
): Column<Type> {
  return when(scalar<BooleanType>("is_not_null", [struct]), namedStruct(fields) as unknown as Column<Type>);
}

/** Rows, or values that are not NULL. */
export function count(value?: AnyColumn): AggregateColumn<LongType> {
  return aggregate("count", value === undefined ? [] : [value]);
}
/** Rows for which a condition is true. */
export function countIf(condition: Column<BooleanType>): AggregateColumn<LongType> {
  return count().filter(condition);
}
/** Different values that are not NULL. */
export function countDistinct(value: AnyColumn): AggregateColumn<LongType> {
  return aggregate("count", [value], true);
}
/** Whole numbers add up to long (an overflow is an error), floating-point numbers to double, decimals to ten digits more. */
export function sum<Type extends NumericType>(
  value: Column<Type>,
): AggregateColumn<Type extends IntegralType ? LongType : Type extends DecimalType ? DecimalType : DoubleType> {
  return aggregate("sum", [value]);
}
/** The mean: of decimals a decimal with four digits more, of other numbers a double. */
export function avg<Type extends NumericType>(
  value: Column<Type>,
): AggregateColumn<Type extends DecimalType ? DecimalType : DoubleType> {
  return aggregate("avg", [value]);
}
export function min<Type extends DataType>(value: Column<Type>): AggregateColumn<Type> {
  return aggregate("min", [value]);
}
export function max<Type extends DataType>(value: Column<Type>): AggregateColumn<Type> {
  return aggregate("max", [value]);
}
/** All values that are not NULL, sorted, so that equal rows give equal lists. */
export function collectList<Type extends DataType>(value: Column<Type>): AggregateColumn<ArrayType<Type>> {
  return aggregate("collect_list", [value]);
}
