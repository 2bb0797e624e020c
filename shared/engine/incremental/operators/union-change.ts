/** All rows of several relations: what came to one of them comes here (Δ(A ∪ B) = ΔA ∪ ΔB). */
import { schemaOf, type LogicalPlan, type Union } from "../../../plan/index.ts";
import { isChanged, onDemand, unionOf, valuesOfEither, type Changed } from "./changed.ts";

export function unionChange(node: Union, inputs: readonly Changed[]): Changed {
  const changed = inputs.filter(isChanged);
  const { schema } = { schema: schemaOf(node) };
  const all = (plans: readonly LogicalPlan[]): LogicalPlan => ({ ...node, inputs: plans });
  const isAllKnown = changed.every(({ changedRows }) => changedRows !== undefined);
  return {
    schema,
    ...onDemand({ came: inputs.some(({ came }) => came), went: inputs.some(({ went }) => went) }, (kind) =>
      unionOf(inputs.map((input) => input[kind]())),
    ),
    now: (restricted) => all(inputs.map((input) => input.now(restricted))),
    before: (restricted) => all(inputs.map((input) => input.before(restricted))),
    changedRows: isAllKnown ? unionOf(changed.map(({ changedRows }) => changedRows)) : undefined,
    valuesOf: (expression) => valuesOfEither(changed.map((input) => input.valuesOf(expression))),
  };
}
