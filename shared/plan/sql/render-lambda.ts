/**
 * Functions that compute lambdas of elements. Errors of rows cannot leave DuckDB's lambdas but as values, so what can be wrong gives a pair
 * of value and error, and the row has the error of its first element that has one.
 *
 *   transform(xs, x -> x + 1)   list_transform("xs", lambda "__dyne_x1_1": …)
 */
import { fieldOf, higherOrderType } from "../analysis/field-of.ts";
import type { HigherOrderCall, Lambda } from "../expression.ts";
import { higherOrderFunction } from "../functions/index.ts";
import type { RowError, Spelled, SpelledLambda } from "../functions/index.ts";
import { sameType } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { Binder } from "./binder.ts";
import { sqlType, quoteName } from "./quoting.ts";
import type { Scope, Speller } from "./scope.ts";

/** A call of a higher-order function; `spell` renders its values and the bodies of its lambdas. */
export function renderHigherOrder(call: HigherOrderCall, scope: Scope, spell: Speller): Spelled {
  const definition = higherOrderFunction(call.name);
  const typed = higherOrderType(call, scope.schema, "a rendered plan");
  const args = call.args.map((arg, index) => {
    const { sql, errors } = spell(arg, scope);
    const [from, to] = [fieldOf(arg, scope.schema, "a rendered plan").type, typed.args[index] as DataType];
    const wide = sameType(from, to) ? sql : `CAST(${sql} AS ${sqlType(to, scope.dialect)})`;
    return { sql: scope.dialect === "duckdb" && arg.kind !== "literal" ? scope.binder.bind(wide) : wide, errors };
  });
  const texts = args.map(({ sql }) => sql);
  if (scope.dialect === "spark") {
    const lambdas = call.lambdas.map((lambda) => sparkLambda(lambda, scope, spell));
    return { sql: `${call.name}(${[...texts, ...lambdas].join(", ")})`, errors: [] };
  }
  const lambdas = call.lambdas.map((lambda, index) => duckdbLambda(lambda, index, scope, spell));
  const spelled = definition.duckdb(texts, lambdas, { ...typed, bind: (sql) => scope.binder.bind(sql) });
  const inner = args.flatMap(({ errors }, index) => {
    const condition = definition.evaluates?.(texts, index);
    return condition === undefined
      ? errors
      : errors.map((error): RowError => ({ ...error, when: `(${condition} AND ${error.when})` }));
  });
  return typeof spelled === "string"
    ? { sql: spelled, errors: inner }
    : { sql: spelled.sql, errors: [...inner, ...spelled.errors] };
}

function inside(scope: Scope, variables: readonly (readonly [string, string])[], binder: Binder): Scope {
  const { aggregated: _rows, ...rest } = scope;
  return {
    ...rest,
    binder,
    variables: new Map([...(scope.variables ?? []), ...variables]),
    depth: (scope.depth ?? 0) + 1,
  };
}

function sparkLambda({ parameters, body }: Lambda, scope: Scope, spell: Speller): string {
  const level = (scope.depth ?? 0) + 1;
  const names = parameters.map((_, index) => quoteName(`__dyne_x${level}_${index + 1}`, "spark"));
  const within = inside(
    scope,
    parameters.map(({ name }, index) => [name, names[index]!] as const),
    new LambdaBinder("spark", ""),
  );
  const list = names.length === 1 ? names[0] : `(${names.join(", ")})`;
  return `${list} -> ${spell(body, within).sql}`;
}

function duckdbLambda({ parameters, body }: Lambda, index: number, scope: Scope, spell: Speller): SpelledLambda {
  const place = `${(scope.depth ?? 0) + 1}_${index + 1}`;
  return {
    names: [1, 2, 3].map((number) => quoteName(`__dyne_x${place}_${number}`, "duckdb")),
    count: parameters.length,
    body: (values, of) => {
      const binder = new LambdaBinder("duckdb", place);
      const named = parameters.map(({ name }, at) => [name, binder.bind(values[at]!)] as const);
      const { sql, errors } = spell(body, inside(scope, named, binder));
      const error =
        errors.length === 0
          ? undefined
          : `CASE ${errors.map(({ when, message }) => `WHEN ${when} THEN ${message}`).join(" ")} END`;
      return { sql: binder.around(of(sql, error)), fails: error !== undefined };
    },
  };
}

/** Computes once per element what the body of a lambda uses by name: `list_transform([value], lambda name: body)[1]`, one around the next. */
class LambdaBinder extends Binder {
  readonly #place: string;
  readonly #values: { readonly name: string; readonly sql: string }[] = [];

  constructor(dialect: "duckdb" | "spark", place: string) {
    super(dialect);
    this.#place = place;
  }

  override bind(sql: string): string {
    if (Binder.isName(sql)) return sql;
    const known = this.#values.find((value) => value.sql === sql);
    if (known !== undefined) return known.name;
    const name = quoteName(`__dyne_l${this.#place}_${this.#values.length + 1}`, "duckdb");
    this.#values.push({ name, sql });
    return name;
  }

  /** The body where the names of all that was bound are known. */
  around(body: string): string {
    return this.#values.reduceRight(
      (inner, { name, sql }) => `list_transform([${sql}], lambda ${name}: ${inner})[1]`,
      body,
    );
  }
}
