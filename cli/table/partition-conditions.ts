import { InvalidArgumentError } from "commander";
import { DyneError } from "../../shared/core/index.ts";
import type { Snapshot } from "../../shared/delta/index.ts";
import { literalOfText, typeName, type StructField } from "../../shared/plan/index.ts";
import type { RowCondition } from "../../shared/table/index.ts";

/** A condition as it is written: `day>=2026-01-01`. */
export interface WrittenCondition {
  readonly column: string;
  readonly operator: keyof typeof kinds;
  readonly text: string;
}

const kinds = { "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge" } as const;

/** Takes `<column><operator><value>` apart; several of them are met by rows that meet all. */
export function partitionCondition(
  text: string,
  before: readonly WrittenCondition[] = [],
): readonly WrittenCondition[] {
  const parts = /^\s*([^\s=!<>]+)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*$/.exec(text);
  if (parts === null)
    throw new InvalidArgumentError('Use a condition on a partition column, such as "day>=2026-01-01".');
  const [, column, operator, value] = parts as unknown as [string, string, WrittenCondition["operator"], string];
  return [...before, { column, operator, text: value }];
}

/** The conditions with values of their columns' types. Throws INVALID_ARGUMENT for a value that is none; unknown columns are left to the table. */
export function conditionsOf({ schema }: Snapshot, written: readonly WrittenCondition[] = []): readonly RowCondition[] {
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  return written.map(({ column, operator, text }): RowCondition => {
    const type = Object.hasOwn(fields, column) ? fields[column]!.type : ({ kind: "string" } as const);
    const value = literalOfText(text, type);
    if (value === undefined)
      throw new DyneError("INVALID_ARGUMENT", `"${text}" is no value of ${column}, which is a ${typeName(type)}.`);
    return { kind: kinds[operator], column, value };
  });
}
