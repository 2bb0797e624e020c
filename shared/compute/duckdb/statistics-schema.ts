import type { StatisticsColumns } from "../../delta/index.ts";
import type { Schema, StructField } from "../../plan/index.ts";

type Path = readonly string[];

/** The part of a schema that statistics tell of. A field within a struct counts as a column; an array and a map are one each. */
export function statisticsSchema(schema: Schema, columns: StatisticsColumns): Schema {
  const of = { left: columns.kind === "first" ? columns.count : Number.POSITIVE_INFINITY };
  const isListed = (path: Path): boolean =>
    columns.kind === "first" || columns.paths.some((listed) => leadsTo(listed, path));
  const structOf = (struct: Schema, outer: Path): Schema => {
    const fields: [string, StructField][] = [];
    for (const [name, field] of Object.entries<StructField>(struct.fields)) {
      const path = [...outer, name];
      if (of.left <= 0) break;
      if (field.type.kind === "struct") {
        const type = structOf(field.type, path);
        if (Object.keys(type.fields).length > 0) fields.push([name, { ...field, type }]);
      } else if (isListed(path)) {
        of.left--;
        fields.push([name, field]);
      }
    }
    return { kind: "struct", fields: Object.fromEntries(fields) };
  };
  return structOf(schema, []);
}

/** Whether a path is that of a column, or of what it lies in. Case does not tell names apart. */
function leadsTo(outer: Path, path: Path): boolean {
  return outer.length <= path.length && outer.every((name, i) => name.toLowerCase() === path[i]!.toLowerCase());
}
