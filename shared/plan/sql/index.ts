/** Plans as SQL per dialect. */
export { renderDropDuplicates } from "./drop-duplicates.ts";
export type { DropDuplicates } from "./drop-duplicates.ts";
export { duckdbType, quoteName, quoteText, renderLiteral, sqlType } from "./quoting.ts";
export { renderPlan, renderScalar, renderScalarSortKey, rowErrorColumn } from "./render-plan.ts";
export type { RenderOptions, ScalarOptions } from "./render-plan.ts";
export { parseExpression, parsePredicate } from "./parse-expression.ts";
export { parseType } from "./type-text.ts";
