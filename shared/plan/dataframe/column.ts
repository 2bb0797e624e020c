/** Typed columns: an expression with its type, and the methods that its type allows. A method of another type does not compile. */
import { DyneError } from "../../core/errors.ts";
import { castRule } from "../functions/casts.ts";
import { withOwnDigits } from "../functions/decimals.ts";
import { aggregateFunction, isMismatch, scalarFunction, windowFunction } from "../functions/index.ts";
import type { AggregateFunction, ScalarFunction, WindowFunction } from "../functions/index.ts";
import { decimalLiteral, literalProblem, literalValue } from "../literal.ts";
import { isIntegral, isNumeric, typeName } from "../type-name.ts";
import type { AggregateCall, Expression, Literal, SortOrder, WindowCall } from "../expression.ts";
import type { DataType, StructField, StructType } from "../types.ts";
import type {
  BooleanType,
  IntegerType,
  NumericType,
  StringType,
  TimestampNtzType,
  TimestampType,
} from "../data-type.ts";
import { shown } from "../../core/shown.ts";
import type { Arithmetic, ComparableTo, Quotient, TimeType, ValueOf } from "./column-types.ts";
import { typeGiven } from "../data-type.ts";
import { knownColumns, listGiven, optionsGiven } from "./given.ts";
import { OrderedColumn, type AnyColumn } from "./ordered-column.ts";
import type { FramedWindow, OrderedWindow, WindowSpec } from "./window-spec.ts";

export { OrderedColumn };
export type { AnyColumn, Arithmetic, Quotient, TimeType, ValueOf };

/** What a column can be compared with. */
export type Operand<Type extends DataType> = Column<ComparableTo<Type>> | ValueOf<Type>;
/** The columns that a struct column is made of. */
export type FieldColumns<Type extends DataType> =
  Type extends StructType<infer Fields>
    ? { readonly [Name in keyof Fields]: Fields[Name] extends StructField<infer Field> ? Column<Field> : never }
    : never;

/** A column of a DataFrame, or something computed from columns. Immutable. Errors of every method: TYPE_MISMATCH. */
export class Column<Type extends DataType> {
  readonly expression: Expression;
  readonly type: Type;

  constructor(expression: Expression, type: Type) {
    this.expression = Object.freeze(expression);
    this.type = type;
  }

  /** Equal; NULL if either side is NULL. */
  eq(other: Operand<Type>): Column<BooleanType> {
    return this.#compare("eq", other);
  }
  ne(other: Operand<Type>): Column<BooleanType> {
    return this.#compare("ne", other);
  }
  lt(other: Operand<Type>): Column<BooleanType> {
    return this.#compare("lt", other);
  }
  le(other: Operand<Type>): Column<BooleanType> {
    return this.#compare("le", other);
  }
  gt(other: Operand<Type>): Column<BooleanType> {
    return this.#compare("gt", other);
  }
  ge(other: Operand<Type>): Column<BooleanType> {
    return this.#compare("ge", other);
  }
  /** Equal, where NULL equals NULL: never NULL itself. */
  eqNullSafe(other: Operand<Type>): Column<BooleanType> {
    return this.#compare("eq_null_safe", other);
  }
  /** From `low` to `high`, both included. */
  between(low: Operand<Type>, high: Operand<Type>): Column<BooleanType> {
    return this.ge(low).and(this.le(high));
  }
  /** Equal to one of the values. */
  isin(...values: readonly Operand<Type>[]): Column<BooleanType> {
    return scalar("isin", [this, ...values.map((value) => this.#operand(value))]);
  }
  isNull(): Column<BooleanType> {
    return scalar("is_null", [this]);
  }
  isNotNull(): Column<BooleanType> {
    return scalar("is_not_null", [this]);
  }

  and(this: Column<BooleanType>, other: Column<BooleanType>): Column<BooleanType> {
    return scalar("and", [this, other]);
  }
  or(this: Column<BooleanType>, other: Column<BooleanType>): Column<BooleanType> {
    return scalar("or", [this, other]);
  }
  not(this: Column<BooleanType>): Column<BooleanType> {
    return scalar("not", [this]);
  }

  plus<A extends NumericType, B extends NumericType = A>(
    this: Column<A>,
    other: Column<B> | ValueOf<A>,
  ): Column<Arithmetic<A, B>> {
    return scalar("plus", [this, operandOf(this, other)]);
  }
  minus<A extends NumericType, B extends NumericType = A>(
    this: Column<A>,
    other: Column<B> | ValueOf<A>,
  ): Column<Arithmetic<A, B>> {
    return scalar("minus", [this, operandOf(this, other)]);
  }
  times<A extends NumericType, B extends NumericType = A>(
    this: Column<A>,
    other: Column<B> | ValueOf<A>,
  ): Column<Arithmetic<A, B>> {
    return scalar("times", [this, operandOf(this, other)]);
  }
  /** The quotient: with a decimal a decimal of Spark's digits, of other numbers a double. A divisor of 0 is an error of the row. */
  divide<A extends NumericType, B extends NumericType = A>(
    this: Column<A>,
    other: Column<B> | ValueOf<A>,
  ): Column<Quotient<A, B>> {
    return scalar("divide", dividedBy(this, other));
  }
  /** The remainder, with the sign of the dividend; a divisor of 0 is an error of the row. */
  modulo<A extends NumericType, B extends NumericType = A>(
    this: Column<A>,
    other: Column<B> | ValueOf<A>,
  ): Column<Arithmetic<A, B>> {
    return scalar("modulo", dividedBy(this, other));
  }
  negate<A extends NumericType>(this: Column<A>): Column<A> {
    return scalar("negate", [this]);
  }

  /** Whether a part of the text matches the regular expression (RE2: without look-around and back-references). */
  rlike(this: Column<StringType>, pattern: string): Column<BooleanType> {
    return scalar("rlike", [this, textLiteral(pattern)]);
  }
  /** SQL's LIKE: `%` is any text, `_` any character, `\` escapes them. */
  like(this: Column<StringType>, pattern: string): Column<BooleanType> {
    return scalar("like", [this, textLiteral(pattern)]);
  }
  startsWith(this: Column<StringType>, text: string | Column<StringType>): Column<BooleanType> {
    return scalar("starts_with", [this, operandOf(this, text)]);
  }
  endsWith(this: Column<StringType>, text: string | Column<StringType>): Column<BooleanType> {
    return scalar("ends_with", [this, operandOf(this, text)]);
  }
  contains(this: Column<StringType>, text: string | Column<StringType>): Column<BooleanType> {
    return scalar("contains", [this, operandOf(this, text)]);
  }
  /** `count` characters from `position` on; the first is 1, negative positions count from the end. */
  substring(this: Column<StringType>, position: number, count: number): Column<StringType> {
    return scalar("substring", [this, integerLiteral(position), integerLiteral(count)]);
  }

  plusSeconds<Time extends TimestampType | TimestampNtzType>(
    this: Column<Time>,
    count: number | Column<IntegerType>,
  ): Column<Time> {
    return scalar("plus_seconds", [this, countOf(count)]);
  }
  plusMinutes<Time extends TimestampType | TimestampNtzType>(
    this: Column<Time>,
    count: number | Column<IntegerType>,
  ): Column<Time> {
    return scalar("plus_minutes", [this, countOf(count)]);
  }
  plusHours<Time extends TimestampType | TimestampNtzType>(
    this: Column<Time>,
    count: number | Column<IntegerType>,
  ): Column<Time> {
    return scalar("plus_hours", [this, countOf(count)]);
  }
  plusDays<Time extends TimeType>(this: Column<Time>, count: number | Column<IntegerType>): Column<Time> {
    return scalar("plus_days", [this, countOf(count)]);
  }
  plusMonths<Time extends TimeType>(this: Column<Time>, count: number | Column<IntegerType>): Column<Time> {
    return scalar("plus_months", [this, countOf(count)]);
  }
  minusMinutes<Time extends TimestampType | TimestampNtzType>(this: Column<Time>, count: number): Column<Time> {
    return this.plusMinutes(-count);
  }
  minusHours<Time extends TimestampType | TimestampNtzType>(this: Column<Time>, count: number): Column<Time> {
    return this.plusHours(-count);
  }
  minusDays<Time extends TimeType>(this: Column<Time>, count: number): Column<Time> {
    return this.plusDays(-count);
  }

  /** Spark's cast with ANSI on: a value that cannot be cast is an error of the row. */
  cast<To extends DataType>(to: To): Column<To> {
    return this.#cast(to, "ansi");
  }
  /** The same, with NULL for a value that cannot be cast. */
  tryCast<To extends DataType>(to: To): Column<To> {
    return this.#cast(to, "try");
  }

  /** The fields of a struct, as columns. */
  get fields(): FieldColumns<Type> {
    const { type } = this;
    if (type.kind !== "struct")
      throw new DyneError("TYPE_MISMATCH", `A ${typeName(type)} has no fields. Only structs have.`);
    const fields = Object.entries<StructField>(type.fields).map(
      ([name, field]) => [name, new Column({ kind: "field", input: this.expression, name }, field.type)] as const,
    );
    return knownColumns(Object.fromEntries(fields), `a ${typeName(type)}`) as FieldColumns<Type>;
  }

  /** Ascending, NULLs first unless said otherwise. */
  asc(nulls: SortOrder["nulls"] = "first"): OrderedColumn {
    return new OrderedColumn({ by: this.expression, direction: "ascending", nulls });
  }
  /** Descending, NULLs last unless said otherwise. */
  desc(nulls: SortOrder["nulls"] = "last"): OrderedColumn {
    return new OrderedColumn({ by: this.expression, direction: "descending", nulls });
  }

  #compare(name: string, other: Operand<Type>): Column<BooleanType> {
    return scalar(name, [this, this.#operand(other)]);
  }

  #operand(value: Operand<Type>): AnyColumn {
    return operandOf(this, value);
  }

  #cast<To extends DataType>(to: To, mode: "ansi" | "try"): Column<To> {
    typeGiven(to, "What to cast to");
    if (castRule(this.type, to) === undefined) {
      throw new DyneError(
        "TYPE_MISMATCH",
        `There is no cast from ${typeName(this.type)} to ${typeName(to)}. Cast to a type between them, or drop the cast.`,
      );
    }
    return new Column({ kind: "cast", mode, input: this.expression, to }, to);
  }
}

/** An aggregate: for agg(), or over a window. */
export class AggregateColumn<Type extends DataType> extends Column<Type> {
  readonly #call: AggregateCall;

  constructor(call: AggregateCall, type: Type) {
    super(call, type);
    this.#call = call;
  }

  /** Aggregates only the rows for which the condition is true. */
  filter(condition: Column<BooleanType>): AggregateColumn<Type> {
    return new AggregateColumn({ ...this.#call, filter: expressionOf(condition, "filter") }, this.type);
  }

  /** The aggregate over the rows of a window, for every row. */
  over(window: WindowSpec): Column<Type> {
    return overWindow(this.#call, this.type, window);
  }
}

/** A window function that waits for its window, of the kind that it needs. */
export class WindowColumn<Type extends DataType, Window extends WindowSpec = OrderedWindow> {
  readonly #call: WindowCall["call"];
  readonly #type: Type;

  constructor(call: WindowCall["call"], type: Type) {
    this.#call = call;
    this.#type = type;
  }

  /** The function's value for every row. Where one row is chosen before another, ties of the order are broken by all columns. */
  over(window: Window): Column<Type> {
    return overWindow(this.#call, this.#type, window);
  }
}

function overWindow<Type extends DataType>(call: WindowCall["call"], type: Type, window: WindowSpec): Column<Type> {
  optionsGiven(window, ["partitionBy", "orderBy", "rows"], "over");
  const { partitionBy = [], orderBy = [], rows } = window as Partial<FramedWindow>;
  if (rows !== undefined) optionsGiven(rows, ["from", "to"], "rows of over");
  const expression: WindowCall = {
    kind: "window",
    call,
    partitionBy: listGiven(partitionBy, "partitionBy of over").map((column) =>
      expressionOf(column, "partitionBy of over"),
    ),
    orderBy: sortOrders(orderBy, "orderBy of over"),
    frame: rows === undefined ? undefined : { startRow: rows.from, endRow: rows.to },
  };
  return new Column(expression, type);
}

/** The orders of columns, and of what `asc()` and `desc()` give. Errors: INVALID_ARGUMENT for what is no list of them. */
export function sortOrders(columns: readonly (AnyColumn | OrderedColumn)[], clause: string): readonly SortOrder[] {
  return listGiven(columns, clause).map((column) => {
    if (column instanceof OrderedColumn) return column.order;
    expressionOf(column, clause);
    return column.asc().order;
  });
}

/** The expression of a column. Errors: TYPE_MISMATCH for what is none, as what JavaScript's own `===`, `>` and `+` give. */
export function expressionOf(column: AnyColumn, clause: string): Expression {
  const given: unknown = column;
  if (given instanceof Column) return given.expression;
  const remedy =
    typeof given === "boolean" || typeof given === "number"
      ? "Compare and compute with methods, such as id.eq(1), amount.gt(0) and amount.plus(1); lit() makes a column of a constant."
      : "Give a column, or a constant with lit().";
  throw new DyneError("TYPE_MISMATCH", `${clause} is given ${shown(given)}, not a column. ${remedy}`);
}

function resultType(
  definition: ScalarFunction | AggregateFunction | WindowFunction,
  args: readonly AnyColumn[],
): DataType {
  for (const arg of args) expressionOf(arg, definition.name);
  const typed = definition.type(
    args.map(({ type }) => type),
    args.map(({ expression }) => literalValue(expression)),
  );
  if (isMismatch(typed))
    throw new DyneError("TYPE_MISMATCH", `${definition.name} ${typed.mismatch}. Change or cast the arguments.`);
  return typed.result;
}

/** A call of a scalar function. The result's static type is the caller's promise; the run-time type is the function table's. */
export function scalar<Type extends DataType>(name: string, args: readonly AnyColumn[]): Column<Type> {
  const type = resultType(scalarFunction(name), args) as Type;
  return new Column({ kind: "call", name, args: args.map(({ expression }) => expression) }, type);
}

/** A call of an aggregate. */
export function aggregate<Type extends DataType>(
  name: string,
  args: readonly AnyColumn[],
  distinct = false,
): AggregateColumn<Type> {
  const type = resultType(aggregateFunction(name), args) as Type;
  return new AggregateColumn(
    { kind: "aggregate", name, args: args.map(({ expression }) => expression), distinct, filter: undefined },
    type,
  );
}

/** A call of a window function. */
export function windowCall<Type extends DataType, Window extends WindowSpec = OrderedWindow>(
  name: string,
  args: readonly AnyColumn[],
): WindowColumn<Type, Window> {
  const type = resultType(windowFunction(name), args) as Type;
  return new WindowColumn({ kind: "call", name, args: args.map(({ expression }) => expression) }, type);
}

/** A literal of a type. Errors: TYPE_MISMATCH. */
export function literal<Type extends DataType>(value: Literal["value"], type: Type): Column<Type> {
  typeGiven(type, `The type of ${shown(value)}`);
  const problem = literalProblem(value, type);
  if (problem !== undefined) throw new DyneError("TYPE_MISMATCH", `${problem} Write it in the form of its type.`);
  return new Column({ kind: "literal", value, type }, type);
}

/** A column as it is; a value as a literal of the type that it is used with. */
export function operandOf(column: AnyColumn, other: unknown): AnyColumn {
  if (other instanceof Column) return other;
  const { type } = column;
  if (typeof other === "number" && isNumeric(type)) {
    // A number keeps the column's type where it has one of its values, or takes the narrowest type that holds it.
    if (literalProblem(other, type) === undefined) return literal(other, type);
    if (isIntegral(type) && Number.isSafeInteger(other)) return literal(other, { kind: "long" });
  }
  if (typeof other === "bigint" && isIntegral(type)) return literal(other, { kind: "long" });
  return literal(other as Literal["value"], type);
}

/** A number and what divides it. Beside a decimal, values have the digits that they are written with, which decide the result's. */
export function dividedBy(column: AnyColumn, other: unknown): readonly AnyColumn[] {
  const isWritten = column.type.kind === "decimal" && (typeof other === "string" || typeof other === "number");
  const written = isWritten ? decimalLiteral(String(other)) : undefined;
  const divisor = written === undefined ? operandOf(column, other) : new Column(written, written.type);
  return withOwnDigits([column, divisor]).map(({ expression, type }) => new Column(expression, type));
}

const textLiteral = (text: string): Column<StringType> => literal(text, { kind: "string" });
const countOf = (count: number | Column<IntegerType>): Column<IntegerType> =>
  count instanceof Column ? count : integerLiteral(count);
const integerLiteral = (value: number): Column<IntegerType> => literal(value, { kind: "integer" });
