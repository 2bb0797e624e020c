/** Names that columns of a pipeline's tables cannot have though others' tables may, told when the table is declared. */
import { DyneError, isFlowName, needsMapping } from "../core/index.ts";
import { nodesOf, schemaOf } from "../plan/index.ts";
import type { DataType, LogicalPlan, Schema, StructField } from "../plan/index.ts";

/**
 * Checks the columns of a table, with the fields in them, and those of every step of a stream's query. Errors: INVALID_PIPELINE for a name with a
 * character that a Delta table without column mapping cannot have, and for one that the table's flow uses itself.
 */
export function checkColumnNames(schema: Schema, flow: "files" | "hub" | "stream" | "view", query?: LogicalPlan): void {
  if (flow === "files" || flow === "stream")
    for (const step of query === undefined ? [schema] : [...nodesOf(query)].map(schemaOf))
      for (const name of Object.keys(step.fields))
        if (isFlowName(name, flow)) throw refused(name, "dyne gives it to a column of its own");
  checkCharacters(schema, "");
}

function checkCharacters(type: DataType, place: string): void {
  if (type.kind === "array") return checkCharacters(type.element, place);
  if (type.kind === "map") {
    checkCharacters(type.key, place);
    return checkCharacters(type.value, place);
  }
  if (type.kind !== "struct") return;
  for (const [name, field] of Object.entries<StructField>(type.fields)) {
    if (needsMapping(name)) throw refused(place + name, 'a Delta table takes none of " ,;{}()\\n\\t=" in a name');
    checkCharacters(field.type, `${place}${name}.`);
  }
}

const refused = (name: string, why: string): DyneError =>
  new DyneError(
    "INVALID_PIPELINE",
    `The column ${JSON.stringify(name)} cannot be called so: ${why}. Give it another name.`,
    {
      details: { column: name },
    },
  );
