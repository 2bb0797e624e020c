import { canonicalJson } from "../canonical.ts";
import type { Expression, WindowCall } from "../expression.ts";
import type { Project } from "../logical-plan.ts";
import { someExpression } from "../visit.ts";

/** The expressions that every window of a projection is partitioned by; none where it has no window. */
export function commonPartition({ columns }: Pick<Project, "columns">): readonly Expression[] {
  const windows: WindowCall[] = [];
  for (const { expression } of columns) {
    someExpression(expression, (inner) => {
      if (inner.kind === "window") windows.push(inner);
      return false;
    });
  }
  const [first, ...rest] = windows.map(({ partitionBy }) => partitionBy);
  return (first ?? []).filter((each) =>
    rest.every((others) => others.some((other) => canonicalJson(other) === canonicalJson(each))),
  );
}
