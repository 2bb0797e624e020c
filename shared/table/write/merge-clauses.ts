/** What a merge does with rows that match, and with those that do not: clauses as data, in the order in which they are tried. */
import type { Expression } from "../../plan/index.ts";
import type { Assignments } from "./update-rows.ts";

/** New values by column, or all columns of the source by their names. */
export type MergeValues = { readonly kind: "all" } | { readonly kind: "columns"; readonly values: Assignments };

/**
 * Expressions see the columns `target.<name>` and `source.<name>`; clauses of rows that are on one side only see that side. Of each kind the
 * first clause whose condition is true is taken; a clause without a condition is always taken.
 */
export type MergeClause =
  | { readonly kind: "matched-update"; readonly when?: Expression | undefined; readonly set: MergeValues }
  | { readonly kind: "matched-delete"; readonly when?: Expression | undefined }
  | { readonly kind: "not-matched-insert"; readonly when?: Expression | undefined; readonly values: MergeValues }
  | { readonly kind: "not-matched-by-source-update"; readonly when?: Expression | undefined; readonly set: Assignments }
  | { readonly kind: "not-matched-by-source-delete"; readonly when?: Expression | undefined };

/** The column of the target in a merge's expressions. */
export const targetColumn = (name: string): string => `target.${name}`;
/** The column of the source in a merge's expressions. */
export const sourceColumn = (name: string): string => `source.${name}`;
