/** What a described step does to a query. */
import type { QueryStep } from "./drawn-step.ts";
import { grouped } from "./group-step.ts";
import { lambdaOver } from "./lambda-step.ts";
import { joined, united, type Readable } from "./join-step.ts";
import {
  columnOf,
  exactNames,
  extended,
  freshName,
  hasInexact,
  namesOf,
  orderedNames,
  quoted,
  termOf,
  type Query,
} from "./query.ts";
import { condition, derived, pick } from "./terms.ts";
import { deduplicated, limited, topped, windowed } from "./window-step.ts";

/** The query with the step on top; the same query where the step has nothing to work on. `kept` may not be dropped. */
export function withStep(
  query: Query,
  step: QueryStep,
  tables: readonly Readable[],
  kept: readonly string[] = [],
): Query {
  switch (step.op) {
    case "drop": {
      const name = pick(
        namesOf(query).filter((each) => !kept.includes(each)),
        step.column,
      );
      if (name === undefined || namesOf(query).length < 3) return query;
      return extended(query, query.frame.drop(name), `.drop(${quoted(name)})`, "drop");
    }
    case "compute": {
      const name = pick(namesOf(query), step.column) as string;
      const value = derived(termOf(query, name), step.how);
      const added = freshName(query, "c");
      const code = `.withColumns(({ ${name} }) => ({ ${added}: ${value.code} }))`;
      return extended(
        query,
        query.frame.withColumns(() => ({ [added]: value.column })),
        code,
        "withColumns",
      );
    }
    case "filter": {
      const name = pick(exactNames(query), step.column);
      if (name === undefined) return query;
      const { column, code } = condition(termOf(query, name), step.how);
      return extended(
        query,
        query.frame.filter(() => column),
        `.filter(({ ${name} }) => ${code})`,
        "filter",
      );
    }
    case "lambda":
      return lambdaOver(query, step);
    case "explode": {
      const name = pick(
        namesOf(query).filter((each) => columnOf(query, each).type.kind === "array"),
        step.column,
      );
      if (name === undefined) return query;
      const as = freshName(query, "e");
      const outer = step.outer ? ", { outer: true }" : "";
      const frame = query.frame.explode(as, () => columnOf(query, name) as never, { outer: step.outer });
      return extended(query, frame, `.explode("${as}", ({ ${name} }) => ${name}${outer})`, "explode");
    }
    case "join":
      return joined(query, step, tables);
    case "union":
      return united(query, step, tables);
    case "distinct":
      return hasInexact(query) ? query : extended(query, query.frame.distinct(), ".distinct()", "distinct");
    case "orderBy": {
      const name = pick(orderedNames(query), step.column);
      return name === undefined ? query : extended(query, query.frame.orderBy(name), `.orderBy("${name}")`, "orderBy");
    }
    case "limit":
      return limited(query, step);
    case "top":
      return topped(query, step);
    case "dropDuplicates":
      return deduplicated(query, step);
    case "window":
      return windowed(query, step);
    case "group":
      return grouped(query, step);
  }
}
