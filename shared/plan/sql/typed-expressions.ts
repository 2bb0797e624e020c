/** Parts of an expression with their types: what types do not allow is refused with its place in the text. */
import { DyneError, isDyneError, nearestName } from "../../core/index.ts";
import { fieldOf } from "../analysis/field-of.ts";
import type { Expression, LambdaVariable } from "../expression.ts";
import { withOwnDigits } from "../functions/decimals.ts";
import { isIntegral, typeName } from "../type-name.ts";
import type { DataType, Schema, StructField } from "../types.ts";
import { alike, castTo, type Typed } from "./expression-coercion.ts";
import { placeIn } from "./expression-tokens.ts";

export class TypedExpressions {
  readonly #source: string;
  readonly #schema: Schema;
  /** The variables of the lambdas around, the innermost last. */
  #variables: readonly { readonly name: string; readonly variable: LambdaVariable }[] = [];

  constructor(source: string, schema: Schema) {
    this.#source = source;
    this.#schema = schema;
  }

  /** An expression with its type. Throws TYPE_MISMATCH, with the place. */
  typed(expression: Expression, at: number): Typed {
    try {
      return { expression, type: fieldOf(expression, this.#schema, "the expression").type };
    } catch (error) {
      if (isDyneError(error, "TYPE_MISMATCH")) throw this.mismatch(error.message.replace(/[.]$/, ""), at);
      throw error;
    }
  }

  call(name: string, args: readonly Typed[], at: number): Typed {
    return this.typed({ kind: "call", name, args: args.map(({ expression }) => expression) }, at);
  }

  /** A call whose arguments are brought to one type. */
  alikeCall(name: string, args: readonly Typed[], at: number): Typed {
    return this.call(name, this.alike(args, at), at);
  }

  alike(values: readonly Typed[], at: number): readonly Typed[] {
    const found = alike(values);
    if (found !== undefined) return found;
    const types = values.map(({ type, isNull }) => (isNull === true ? "NULL" : typeName(type)));
    throw this.mismatch(`${types.join(" and ")} do not go together`, at);
  }

  /** All of them as values of one type. */
  all(values: readonly Typed[], type: DataType, at: number): readonly Typed[] {
    return values.map((value) => {
      const cast = castTo(value, type);
      if (cast === undefined) throw this.mismatch(`${typeName(value.type)} cannot be ${typeName(type)}`, at);
      return cast;
    });
  }

  cast(value: Typed, to: DataType, mode: "ansi" | "try", at: number): Typed {
    if (value.isNull === true) return castTo(value, to)!;
    // A function may need its argument as a literal, and Spark takes the cast of one for a literal too.
    const literal = value.expression.kind === "literal" && isIntegral(to) ? castTo(value, to) : undefined;
    if (literal?.expression.kind === "literal") return literal;
    return this.typed({ kind: "cast", mode, input: value.expression, to }, at);
  }

  /** What is read while these variables are known by these names. */
  within(names: readonly string[], variables: readonly LambdaVariable[], read: () => Typed): Typed {
    const before = this.#variables;
    this.#variables = [...before, ...names.map((name, index) => ({ name, variable: variables[index]! }))];
    const value = read();
    this.#variables = before;
    return value;
  }

  /** A variable of a lambda, the innermost of its name, or else a column. */
  column(given: string, at: number): Typed {
    const found = this.#variables.findLast(({ name }) => name.toLowerCase() === given.toLowerCase());
    if (found !== undefined) return { expression: found.variable, type: found.variable.type };
    const { name, field } = this.#found(given, this.#schema.fields, at, "the table");
    return { expression: { kind: "column", name }, type: field.type };
  }

  field(value: Typed, given: string, at: number): Typed {
    if (value.type.kind !== "struct")
      throw this.mismatch(`"${given}" is read from ${typeName(value.type)}, which has no fields`, at);
    const { name, field } = this.#found(given, value.type.fields, at, "the struct");
    return { expression: { kind: "field", input: value.expression, name }, type: field.type };
  }

  mismatch(what: string, at: number): DyneError {
    return new DyneError("TYPE_MISMATCH", `${what}, ${placeIn(this.#source, at)}.`, {
      details: { text: this.#source, position: at },
    });
  }

  /** Spark does not tell names apart by case. */
  #found(given: string, fields: Readonly<Record<string, StructField>>, at: number, where: string) {
    const names = Object.keys(fields);
    const name = names.includes(given) ? given : names.find((each) => each.toLowerCase() === given.toLowerCase());
    if (name !== undefined) return { name, field: fields[name]! };
    const nearest = nearestName(given, names);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    throw new DyneError(
      "UNKNOWN_COLUMN",
      `There is no "${given}" in ${where}, ${placeIn(this.#source, at)}.${hint} There are ${names.join(", ")}.`,
      { details: { column: given, text: this.#source, position: at, ...(nearest !== undefined && { nearest }) } },
    );
  }
}

/** NULL as a condition. */
export function asCondition(value: Typed): Typed {
  return value.isNull === true ? castTo(value, { kind: "boolean" })! : value;
}

/** Texts among numbers are read as doubles, and NULL is a number like its neighbour. */
export function asNumbers(values: readonly Typed[]): readonly Typed[] {
  const known = values.find(({ type, isNull }) => isNull !== true && type.kind !== "string")?.type;
  return values.map((value) => {
    if (value.isNull === true) return castTo(value, known ?? { kind: "double" })!;
    return value.type.kind === "string" ? (castTo(value, { kind: "double" }) ?? value) : value;
  });
}

/** Numbers as an operator of two takes them. */
export function operandsOf(operator: string, values: readonly Typed[]): readonly Typed[] {
  const numbers = asNumbers(values);
  return operator === "divide" || operator === "modulo" ? withOwnDigits(numbers) : numbers;
}
