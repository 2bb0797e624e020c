/** How a table's properties ask for its files to be written. */
import { DyneError } from "../core/index.ts";
import type { DataType, Schema, StructField } from "../plan/index.ts";
import { hasBounds } from "./bounded-type.ts";
import { columnPathText, findColumn, type ColumnPath } from "./column-path.ts";
import { tableProperty } from "./table-properties.ts";

type Configuration = Readonly<Record<string, string>>;

/** Which columns a file's statistics tell of: the first so many, not counting those it is partitioned by, or those listed, with all that is in them. */
export type StatisticsColumns =
  | { readonly kind: "first"; readonly count: number }
  | { readonly kind: "listed"; readonly paths: readonly ColumnPath[] };

export interface FileLayout {
  readonly statistics: StatisticsColumns;
  /** Files lie in folders with random names of so many characters; in folders by partition where undefined. */
  readonly randomPrefixLength: number | undefined;
}

/** The layout that a table's properties ask for. A list that cannot be read counts as none. Pure. */
export function fileLayoutOf(configuration: Configuration): FileLayout {
  const paths = tableProperty(configuration, "delta.dataSkippingStatsColumns");
  const count = tableProperty(configuration, "delta.dataSkippingNumIndexedCols");
  return {
    statistics:
      paths === undefined
        ? { kind: "first", count: count < 0 ? Number.POSITIVE_INFINITY : count }
        : { kind: "listed", paths },
    randomPrefixLength: tableProperty(configuration, "delta.randomizeFilePrefixes")
      ? tableProperty(configuration, "delta.randomPrefixLength")
      : undefined,
  };
}

/**
 * Asserts that a table can have the statistics that its properties list (`delta.dataSkippingStatsColumns`). Throws UNKNOWN_COLUMN for a column
 * that it has not; INVALID_ARGUMENT for one that it is partitioned by, whose type has no bounds, or that is listed twice.
 */
export function assertStatisticsColumns(
  table: string,
  { schema, partitionBy }: { readonly schema: Schema; readonly partitionBy: readonly string[] },
  configuration: Configuration,
): void {
  const seen = new Set<string>();
  const assertLeaf = (path: ColumnPath, type: DataType): void => {
    if (type.kind === "struct") {
      for (const [name, field] of Object.entries<StructField>(type.fields)) assertLeaf([...path, name], field.type);
      return;
    }
    const text = columnPathText(path);
    const why = partitionBy.includes(path[0]!)
      ? `${table} is partitioned by it, and the log has its values anyway`
      : seen.has(text)
        ? "it is listed twice"
        : hasBounds(type)
          ? undefined
          : `values of ${type.kind} have no bounds`;
    if (why !== undefined)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `delta.dataSkippingStatsColumns of ${table} cannot have ${text}: ${why}. Leave it out.`,
        { details: { column: text } },
      );
    seen.add(text);
  };
  for (const listed of tableProperty(configuration, "delta.dataSkippingStatsColumns") ?? []) {
    const { path, type } = findColumn(table, schema, listed);
    assertLeaf(path, type);
  }
}
