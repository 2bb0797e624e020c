import { columnPathText, isWithin, tableProperty, type ColumnPath } from "../../delta/index.ts";

const key = "delta.dataSkippingStatsColumns";

/**
 * The properties of a table in which a column has another path, or is gone: the list of columns with statistics names it. A list that becomes
 * empty is one of no columns. Pure.
 */
export function statsColumnsAfter(
  configuration: Readonly<Record<string, string>>,
  path: ColumnPath,
  newPath: ColumnPath | undefined,
): Readonly<Record<string, string>> {
  const listed = tableProperty(configuration, key);
  if (listed === undefined) return configuration;
  const paths = listed.flatMap((each) => {
    if (!isWithin(each, path)) return [each];
    return newPath === undefined ? [] : [[...newPath, ...each.slice(path.length)]];
  });
  return { ...configuration, [key]: paths.map(columnPathText).join(",") };
}
