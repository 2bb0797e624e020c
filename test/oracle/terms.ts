/** Expressions over a column of whatever type, picked by a number, each with the code that a person would write for it. */
import {
  abs,
  coalesce,
  concat,
  date,
  dateTrunc,
  double,
  hour,
  integer,
  length,
  lit,
  long,
  lower,
  month,
  pmod,
  string,
  timestamp,
  toDate,
  upper,
  when,
  type AnyColumn,
  type Column,
  type DataType,
} from "../../shared/pipeline/index.ts";
import type {
  BooleanType,
  DateType,
  DecimalType,
  DoubleType,
  LongType,
  StringType,
  TimestampType,
} from "../../shared/plan/index.ts";

/** An expression and its code. */
export interface Term<C extends AnyColumn = AnyColumn> {
  readonly column: C;
  readonly code: string;
}

export type Condition = Term<Column<BooleanType>>;

/** One of the choices, whatever the number. */
export function pick<T>(choices: readonly T[], number: number): T | undefined {
  return choices[number % Math.max(1, choices.length)];
}

const sure = <T>(choices: readonly T[], number: number): T => pick(choices, number) as T;

export const isNested = ({ kind }: DataType): boolean => kind === "array" || kind === "struct" || kind === "map";
export const isNumber = ({ kind }: DataType): boolean => ["integer", "long", "double", "decimal"].includes(kind);

/** A condition on a column. No row has an error in it. */
export function condition({ column, code }: Term, number: number): Condition {
  const typed = column as unknown as Column<LongType>;
  const common: Condition[] = [
    { column: typed.isNotNull(), code: `${code}.isNotNull()` },
    { column: typed.isNull(), code: `${code}.isNull()` },
  ];
  return sure([...conditionsOf({ column, code }), ...common], number);
}

function conditionsOf({ column, code }: Term): Condition[] {
  switch (column.type.kind) {
    case "integer":
    case "long": {
      const number = column as Column<LongType>;
      return [
        { column: number.gt(0), code: `${code}.gt(0)` },
        { column: number.isin(0, 2), code: `${code}.isin(0, 2)` },
        { column: number.ne(1), code: `${code}.ne(1)` },
        { column: number.modulo(2).eq(0), code: `${code}.modulo(2).eq(0)` },
      ];
    }
    case "double": {
      const number = column as Column<DoubleType>;
      return [
        { column: number.gt(0.5), code: `${code}.gt(0.5)` },
        { column: number.le(0), code: `${code}.le(0)` },
      ];
    }
    case "decimal": {
      const number = column as Column<DecimalType>;
      return [
        { column: number.gt(number.minus(number)), code: `${code}.gt(${code}.minus(${code}))` },
        { column: number.modulo("0.30").gt("0.10"), code: `${code}.modulo("0.30").gt("0.10")` },
      ];
    }
    case "string": {
      const text = column as Column<StringType>;
      return [
        { column: text.ne("a"), code: `${code}.ne("a")` },
        { column: text.isin("a", "b", ""), code: `${code}.isin("a", "b", "")` },
        { column: text.like("%a%"), code: `${code}.like("%a%")` },
      ];
    }
    case "date":
      return [{ column: (column as Column<DateType>).ge("2026-03-01"), code: `${code}.ge("2026-03-01")` }];
    case "timestamp": {
      const time = "2026-03-01T00:20:00Z";
      return [{ column: (column as Column<TimestampType>).lt(time), code: `${code}.lt("${time}")` }];
    }
    case "boolean": {
      const truth = column as Column<BooleanType>;
      return [
        { column: truth, code },
        { column: truth.not(), code: `${code}.not()` },
      ];
    }
    default:
      return [];
  }
}

/** Sums of sums have more digits than are divided. */
const isDivisible = ({ precision, scale }: DecimalType): boolean => precision - scale <= 24 && scale <= 12;

const quotients = (value: Column<DecimalType>, code: string): readonly Term[] => [
  { column: value.divide(3), code: `${code}.divide(3)` },
  { column: value.divide("-0.07"), code: `${code}.divide("-0.07")` },
  { column: value.modulo("0.70"), code: `${code}.modulo("0.70")` },
  { column: pmod(value, 7), code: `pmod(${code}, 7)` },
];

/** A value computed from a column; whole numbers at the end of their range have an error in some of them. */
export function derived({ column, code }: Term, number: number): Term {
  switch (column.type.kind) {
    case "integer":
    case "long": {
      const value = column as Column<LongType>;
      return sure(
        [
          { column: value.modulo(3), code: `${code}.modulo(3)` },
          { column: coalesce(value, 0), code: `coalesce(${code}, 0)` },
          { column: when(value.gt(0), value).otherwise(-1), code: `when(${code}.gt(0), ${code}).otherwise(-1)` },
          { column: value.cast(double()), code: `${code}.cast(double())` },
          { column: value.cast(string()), code: `${code}.cast(string())` },
          { column: value.isNull(), code: `${code}.isNull()` },
          { column: value.plus(1), code: `${code}.plus(1)` },
        ],
        number,
      );
    }
    case "double": {
      const value = column as Column<DoubleType>;
      return sure<Term>(
        [
          { column: abs(value), code: `abs(${code})` },
          { column: value.times(2), code: `${code}.times(2)` },
          { column: value.tryCast(integer()), code: `${code}.tryCast(integer())` },
          { column: coalesce(value, 0.5), code: `coalesce(${code}, 0.5)` },
        ],
        number,
      );
    }
    case "decimal": {
      const value = column as Column<DecimalType>;
      return sure<Term>(
        [
          { column: abs(value), code: `abs(${code})` },
          { column: value.plus(value), code: `${code}.plus(${code})` },
          ...(isDivisible(value.type) ? quotients(value, code) : []),
        ],
        number,
      );
    }
    case "string": {
      const text = column as Column<StringType>;
      return sure<Term>(
        [
          { column: length(text), code: `length(${code})` },
          { column: upper(text), code: `upper(${code})` },
          { column: concat(lower(text), "!"), code: `concat(lower(${code}), "!")` },
          { column: coalesce(text, "none"), code: `coalesce(${code}, "none")` },
          { column: text.tryCast(long()), code: `${code}.tryCast(long())` },
        ],
        number,
      );
    }
    case "date": {
      const day = column as Column<DateType>;
      return sure<Term>(
        [
          { column: month(day), code: `month(${code})` },
          { column: day.cast(string()), code: `${code}.cast(string())` },
          { column: day.cast(timestamp()), code: `${code}.cast(timestamp())` },
        ],
        number,
      );
    }
    case "timestamp": {
      const time = column as Column<TimestampType>;
      return sure<Term>(
        [
          { column: toDate(time), code: `toDate(${code})` },
          { column: hour(time), code: `hour(${code})` },
          { column: dateTrunc("hour", time), code: `dateTrunc("hour", ${code})` },
        ],
        number,
      );
    }
    case "boolean": {
      const truth = column as Column<BooleanType>;
      return sure<Term>(
        [
          {
            column: when(truth, lit(1, { kind: "long" })).otherwise(0),
            code: `when(${code}, lit(1, long())).otherwise(0)`,
          },
          { column: lit("2026-03-02", date()), code: `lit("2026-03-02", date())` },
        ],
        number,
      );
    }
    default:
      return { column: (column as Column<StringType>).isNull(), code: `${code}.isNull()` };
  }
}
