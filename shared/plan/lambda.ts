/** Lambdas with names that follow from their form alone, so that equal queries are equal plans. */
import type { Expression, Lambda, LambdaVariable } from "./expression.ts";
import { childrenOf, mapExpression, someExpression } from "./visit.ts";

/** A variable that no lambda binds yet, with an identity of its own. Left like that in a plan, it is refused when the plan is loaded. */
export function unboundVariable(type: LambdaVariable["type"]): LambdaVariable {
  return Object.freeze({ kind: "variable", name: "unbound", type });
}

/**
 * The lambda of these variables: they get names that no lambda within has, so that none is hidden by another. Of the variables after the
 * first `least`, those at the end that the body does not use are left away.
 */
export function lambdaOf(variables: readonly LambdaVariable[], body: Expression, least: number): Lambda {
  const used = variables.map((variable) => someExpression(body, (inner) => inner === variable));
  const count = Math.max(least, used.lastIndexOf(true) + 1);
  const level = levelsOf(body) + 1;
  const parameters = variables
    .slice(0, count)
    .map((variable, index): LambdaVariable => Object.freeze({ ...variable, name: `v${level}_${index + 1}` }));
  const named = new Map<Expression, LambdaVariable>(
    variables.slice(0, count).map((each, index) => [each, parameters[index]!]),
  );
  return { parameters, body: mapExpression(body, (inner) => named.get(inner)) };
}

/** How deep lambdas stand in one another. */
function levelsOf(expression: Expression): number {
  const below = childrenOf(expression).reduce((most, child) => Math.max(most, levelsOf(child)), 0);
  return expression.kind === "higherOrder" ? below + 1 : below;
}
