/**
 * What is kept of a group for each aggregate call, so that a change can be added to it (SPEC.md 9). Rows come in with a sign, +1 or −1;
 * each contributes a value to every accumulator, and the contributions of all rows merge into the group's value.
 *
 *     sum(delay)   __acc0 = Σ ±delay (38 digits), __acc1 = Σ ±1 where delay is there;  value: NULL where __acc1 = 0, else __acc0 as bigint
 */
import {
  canonicalJson,
  typeOf,
  type AggregateCall,
  type DataType,
  type Expression,
  type Schema,
} from "../../../plan/index.ts";
import { all, call, column, long, nothing, when } from "../expressions.ts";

/** Columns of hidden tables and of the relations between operators: positional, so that no name of a user's can meet them. */
export const keyColumn = (index: number): string => `__key${index}`;
export const inputColumn = (index: number): string => `__in${index}`;
export const accumulatorColumn = (index: number): string => `__acc${index}`;
/** Rows of the group. */
export const rowsColumn = "__rows";
/** How often a row was added, less how often it was removed. */
export const weightColumn = "__weight";
/** The value of a distinct count. */
export const valueColumn = "__value";

export interface Accumulator {
  readonly type: DataType;
  /** How contributions become one value. With `call` they do not: the call is computed over the rows themselves. */
  readonly merge: "add" | "least" | "greatest" | AggregateCall;
  /** True where removed rows can be taken out again. */
  readonly isReversible: boolean;
  /** What a row with this sign contributes, over the operator's input columns. */
  readonly contribution: (sign: 1 | -1) => Expression;
  /** What no row contributes. */
  readonly neutral: Expression;
}

/** A distinct count keeps its values in a hidden table of their own; they contribute to an accumulator as they come and go. */
export interface DistinctValues {
  /** The input column that holds the value. */
  readonly input: string;
  readonly type: DataType;
  readonly accumulator: string;
}

/** Sums of decimals with more digits may not fit into the 38 digits of an accumulator. */
const summedDigitsMax = 28;

/** Takes aggregate calls apart. Equal parts of several calls are kept once. */
export class Accumulators {
  readonly inputs: { readonly expression: Expression; readonly type: DataType }[] = [];
  readonly list: Accumulator[] = [];
  readonly distinct: DistinctValues[] = [];
  readonly #schema: Schema;
  readonly #mergesFloats: boolean;
  readonly #known = new Map<string, string>();

  /** `mergesFloats`: sums of floating-point numbers may be added up in another order than the batch query's. */
  constructor(schema: Schema, mergesFloats: boolean) {
    this.#schema = schema;
    this.#mergesFloats = mergesFloats;
  }

  /** The call's value, over the columns of the hidden table. */
  valueOf(aggregated: AggregateCall): Expression {
    const result = typeOf(aggregated, this.#schema);
    switch (aggregated.name) {
      case "count":
        return aggregated.distinct ? this.#distinctCount(aggregated) : this.#count(aggregated);
      case "sum":
      case "avg":
        return this.#sum(aggregated, result);
      case "min":
      case "max":
        return this.#once(canonicalJson(aggregated), () => {
          const input = column(this.#input(this.#filtered(aggregated), result));
          const merge = aggregated.name === "min" ? ("least" as const) : ("greatest" as const);
          return { type: result, merge, isReversible: false, contribution: () => input, neutral: nothing(result) };
        });
      default:
        return this.#ofRows(aggregated, result);
    }
  }

  #distinctCount(counted: AggregateCall): Expression {
    return this.#once(canonicalJson(counted), () => {
      const type = typeOf(counted.args[0] as Expression, this.#schema);
      const input = this.#input(this.#filtered(counted), type);
      this.distinct.push({ input, type, accumulator: accumulatorColumn(this.list.length) });
      return this.#additive({ kind: "long" }, () => long(0), true);
    });
  }

  #count(counted: AggregateCall): Expression {
    const [arg] = counted.args;
    const conditions = [
      ...(counted.filter === undefined ? [] : [counted.filter]),
      ...(arg === undefined ? [] : [call("is_not_null", arg)]),
    ];
    if (conditions.length === 0) return column(rowsColumn);
    return this.#once(`count ${canonicalJson(conditions)}`, () => {
      const counts = column(this.#input(all(conditions), { kind: "boolean" }));
      return this.#additive({ kind: "long" }, (sign) => when(counts, long(sign), long(0)), true);
    });
  }

  #sum(summed: AggregateCall, result: DataType): Expression {
    const type = typeOf(summed.args[0] as Expression, this.#schema);
    const isFloat = type.kind === "float" || type.kind === "double";
    const isTooWide = type.kind === "decimal" && type.precision > summedDigitsMax;
    if (isTooWide || (isFloat && !this.#mergesFloats)) return this.#ofRows(summed, result);
    const value = this.#filtered(summed);
    const held: DataType = isFloat
      ? { kind: "double" }
      : { kind: "decimal", precision: 38, scale: type.kind === "decimal" ? type.scale : 0 };
    const total = this.#once(`sum ${canonicalJson(value)}`, () => {
      const input = column(this.#input(value, type));
      const wide = cast(input, held);
      const contribution = (sign: 1 | -1) => call("coalesce", sign === 1 ? wide : call("negate", wide), zero(held));
      return this.#additive(held, contribution, !isFloat);
    });
    const values = this.#count({ ...summed, name: "count" });
    return when(call("eq", values, long(0)), nothing(result), valueOfSum(summed, type, total, values, result));
  }

  /** An aggregate that nothing is known of: it needs the rows. */
  #ofRows(needing: AggregateCall, type: DataType): Expression {
    return this.#once(canonicalJson(needing), () => {
      // A constant stays one: the share of a percentile must not be a column.
      const args = needing.args.map((arg) =>
        arg.kind === "literal" ? arg : column(this.#input(arg, typeOf(arg, this.#schema))),
      );
      const filter = needing.filter && column(this.#input(needing.filter, { kind: "boolean" }));
      const neutral = nothing(type);
      return { type, merge: { ...needing, args, filter }, isReversible: false, contribution: () => neutral, neutral };
    });
  }

  #additive(type: DataType, contribution: Accumulator["contribution"], isReversible: boolean): Accumulator {
    return { type, merge: "add", isReversible, contribution, neutral: zero(type) };
  }

  /** The accumulator under a name of its own; made where there is none yet. */
  #once(name: string, make: () => Accumulator): Expression {
    const known = this.#known.get(name);
    if (known !== undefined) return column(known);
    const made = make();
    const own = accumulatorColumn(this.list.length);
    this.list.push(made);
    this.#known.set(name, own);
    return column(own);
  }

  #input(expression: Expression, type: DataType): string {
    const text = canonicalJson({ expression, type });
    const known = this.inputs.findIndex((input) => canonicalJson(input) === text);
    if (known >= 0) return inputColumn(known);
    this.inputs.push({ expression, type });
    return inputColumn(this.inputs.length - 1);
  }

  /** The argument, NULL in rows that the call's filter leaves out. */
  #filtered({ args, filter }: AggregateCall): Expression {
    const arg = args[0] as Expression;
    return filter === undefined ? arg : when(filter, arg);
  }
}

/** A sum or a mean, from the sum in 38 digits and the number of its values, which is not 0. */
function valueOfSum(
  of: AggregateCall,
  type: DataType,
  total: Expression,
  values: Expression,
  result: DataType,
): Expression {
  if (of.name === "sum") return cast(total, result);
  if (type.kind !== "decimal") return call("divide", cast(total, result), cast(values, result));
  return call("decimal_mean", cast(total, { ...type, precision: type.precision + 10 }), values);
}

const cast = (input: Expression, to: DataType): Expression => ({ kind: "cast", mode: "ansi", input, to });

function zero(type: DataType): Expression {
  return { kind: "literal", value: type.kind === "decimal" ? "0" : 0, type };
}
