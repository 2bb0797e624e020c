/** The public face of `plan`: types and schemas, expressions, logical plans, analysis, SQL, and the DataFrame. */
export * from "./types.ts";
export * from "./data-type.ts";
export * from "./type-name.ts";
export * from "./literal.ts";
export * from "./expression.ts";
export * from "./logical-plan.ts";
export * from "./visit.ts";
export * from "./analysis/index.ts";
export { functionTable } from "./functions/index.ts";
export type { Dialect, Exactness, FunctionDefinition } from "./functions/index.ts";
export * from "./sql/index.ts";
export * from "./dataframe/index.ts";
export { expressionOf } from "./dataframe/column.ts";
export { knownColumns } from "./dataframe/given.ts";
export { canonicalJson, planFingerprint } from "./canonical.ts";
