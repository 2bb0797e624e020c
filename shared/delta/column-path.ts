/**
 * Names of columns and of what is in them, as Spark's SQL writes them: `address.city`; in backquotes where a name has a dot or a comma of its own.
 *
 *   parseColumnPath("address.city")        → ["address", "city"]
 *   parseColumnPaths("id, `a.b`.c")        → [["id"], ["a.b", "c"]]
 */
import { DyneError, nearestName } from "../core/index.ts";
import type { DataType, Schema, StructField } from "../plan/index.ts";

/** From the outside inwards. `element`, `key` and `value` lead into arrays and maps. */
export type ColumnPath = readonly string[];

/** Reads one path. Throws INVALID_ARGUMENT for a text that is none. */
export function parseColumnPath(text: string): ColumnPath {
  const [path, ...others] = parseColumnPaths(text);
  if (path === undefined || others.length > 0)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(text)} names no column. Write a.b for the field b of the column a, and names with dots or commas in backquotes.`,
    );
  return path;
}

/** Reads paths that commas part; none of an empty text. Throws INVALID_ARGUMENT for a text that is no such list. */
export function parseColumnPaths(text: string): readonly ColumnPath[] {
  if (text.trim() === "") return [];
  const paths: string[][] = [[]];
  const name = /\s*(?:`((?:[^`]|``)+)`|([^`.,]*[^`.,\s]))\s*([.,]|$)/y;
  for (let end = ""; end !== "end";) {
    const [, quoted, plain, separator] = name.exec(text) ?? [];
    const found = quoted?.replaceAll("``", "`") ?? plain;
    if (found === undefined)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${JSON.stringify(text)} names no columns. Part them by commas, fields by dots, and put names with dots or commas in backquotes.`,
      );
    paths.at(-1)!.push(found);
    if (separator === ",") paths.push([]);
    end = separator === "" ? "end" : "";
  }
  return paths;
}

/** The text of a path, which `parseColumnPath` reads. */
export function columnPathText(path: ColumnPath): string {
  return path.map((name) => (/^[\p{L}\d_-]+$/u.test(name) ? name : `\`${name.replaceAll("`", "``")}\``)).join(".");
}

/** True where one path is the other, or leads to something within it. */
export function isWithin(path: ColumnPath, outer: ColumnPath): boolean {
  return outer.length <= path.length && outer.every((name, i) => name.toLowerCase() === path[i]!.toLowerCase());
}

/** What a path leads to, with the path as the schema spells it. */
export interface FoundColumn {
  readonly path: ColumnPath;
  readonly type: DataType;
}

/** Follows a path through a schema, whatever the case of its names. Throws UNKNOWN_COLUMN where it leads nowhere, naming the nearest column. */
export function findColumn(table: string, schema: Schema, path: ColumnPath): FoundColumn {
  let type: DataType = schema;
  const spelled: string[] = [];
  for (const name of path) {
    const inner: readonly (readonly [string, DataType])[] = partsOf(type);
    const found = inner.find(([known]) => known === name) ?? inner.find(([known]) => sameName(known, name));
    if (found === undefined) {
      const names = inner.map(([known]) => known);
      const nearest = nearestName(name, names);
      const place = spelled.length === 0 ? table : `${columnPathText(spelled)} of ${table}`;
      throw new DyneError(
        "UNKNOWN_COLUMN",
        `There is no ${columnPathText([name])} in ${place}.${nearest === undefined ? "" : ` Did you mean ${nearest}?`} There is ${names.length === 0 ? "nothing" : names.join(", ")}.`,
        { details: { column: columnPathText(path), ...(nearest !== undefined && { nearest }) } },
      );
    }
    spelled.push(found[0]);
    type = found[1];
  }
  return { path: spelled, type };
}

function partsOf(type: DataType): readonly (readonly [string, DataType])[] {
  switch (type.kind) {
    case "struct":
      return Object.entries<StructField>(type.fields).map(([name, field]) => [name, field.type]);
    case "array":
      return [["element", type.element]];
    case "map":
      return [
        ["key", type.key],
        ["value", type.value],
      ];
    default:
      return [];
  }
}

/** Column names are told apart by more than case. */
function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
