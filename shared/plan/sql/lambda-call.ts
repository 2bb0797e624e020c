/** Functions with lambdas in Spark's SQL: `transform(xs, (x, i) -> x + i)`. Values come first, lambdas after them. */
import { higherOrderFunction, isMismatch } from "../functions/index.ts";
import type { LambdaRule } from "../functions/index.ts";
import type { Lambda } from "../expression.ts";
import { lambdaOf, unboundVariable } from "../lambda.ts";
import type { Typed } from "./expression-coercion.ts";
import type { TokenCursor } from "./token-cursor.ts";
import type { TypedExpressions } from "./typed-expressions.ts";

/** Other names that Spark has for them. */
const aliases: Readonly<Record<string, string>> = { reduce: "aggregate" };

/** The function with lambdas that a word names; undefined for others. */
export function higherOrderNamed(word: string, names: ReadonlySet<string>): string | undefined {
  const name = aliases[word] ?? word;
  return names.has(name) ? name : undefined;
}

/** What stands behind the opening parenthesis; `value` reads one value. Errors: those of the parser. */
export function lambdaCall(
  name: string,
  at: number,
  words: TokenCursor,
  make: TypedExpressions,
  value: () => Typed,
): Typed {
  const args: Typed[] = [];
  const lambdas: Lambda[] = [];
  let rules: readonly LambdaRule[] | undefined;
  do {
    const names = parametersAhead(words);
    if (names === undefined) {
      if (lambdas.length > 0) throw words.unexpected("stands where a lambda is needed");
      args.push(value());
      continue;
    }
    rules ??= rulesOf(name, args, at, make);
    const rule = rules[lambdas.length];
    if (rule === undefined || names.length < rule.least || names.length > rule.parameters.length)
      throw make.mismatch(`${name} takes no lambda of ${names.length} parameters`, at);
    // Spark does not tell names apart by case.
    if (new Set(names.map((each) => each.toLowerCase())).size < names.length)
      throw make.mismatch(`${name} has a lambda with two parameters of one name`, at);
    const variables = names.map((_, index) => unboundVariable(rule.parameters[index]!));
    const body = make.within(names, variables, value);
    lambdas.push(lambdaOf(variables, body.expression, rule.least));
  } while (words.operator(","));
  words.expect(")");
  const expressions = args.map(({ expression }) => expression);
  return make.typed({ kind: "higherOrder", name, args: expressions, lambdas }, at);
}

function rulesOf(name: string, args: readonly Typed[], at: number, make: TypedExpressions): readonly LambdaRule[] {
  const rules = higherOrderFunction(name).lambdas(args.map(({ type }) => type));
  if (isMismatch(rules)) throw make.mismatch(`${name} ${rules.mismatch}`, at);
  return rules;
}

/** The names before an arrow, which are taken with it; undefined where no lambda begins. */
function parametersAhead(words: TokenCursor): readonly string[] | undefined {
  const start = words.mark;
  const names: string[] = [];
  const inParentheses = words.operator("(");
  do {
    const { token } = words;
    if (token.kind !== "name") break;
    names.push(token.text);
    words.take();
  } while (inParentheses && words.operator(","));
  if (names.length > 0 && (!inParentheses || words.operator(")")) && words.operator("->")) return names;
  words.back(start);
  return undefined;
}
