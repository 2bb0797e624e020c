/** Rows as a file that lands, in the format that a table reads. */
import { DyneError } from "../core/index.ts";
import type { FilesSource } from "../pipeline/index.ts";
import type { Schema, StructField } from "../plan/index.ts";
import { rowJsonOf, type InputRow } from "../table/lake/row-input.ts";

/** The text of a file with these rows. Errors: SCHEMA_MISMATCH, TYPE_MISMATCH, UNSUPPORTED_FEATURE for what the format cannot hold. */
export function landedText({ format, schema, glob }: FilesSource, rows: readonly InputRow[]): string {
  const fields = Object.entries<StructField>((schema as Schema).fields);
  const binary = fields.find(([, { type }]) => type.kind === "binary");
  if (binary !== undefined)
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `Rows with the binary column ${binary[0]} are not written as text for ${glob}. Land the file as it is with landFile, or append the rows with appendData.`,
    );
  const values = rows.map((row, index) => rowJsonOf(schema as Schema, row, `rows[${index}]`));
  switch (format) {
    case "json":
      return JSON.stringify(values);
    case "jsonl":
      return values.map((value) => `${JSON.stringify(value)}\n`).join("");
    case "csv": {
      const names = fields.map(([name]) => name);
      const lines = values.map((value) => names.map((name) => csvField(value[name])));
      // A record of one empty field would be a blank line, which is none.
      const isBlank = names.length === 1 && values.some((value) => value[names[0] as string] === null);
      if (isBlank)
        throw new DyneError(
          "UNSUPPORTED_FEATURE",
          `A row of ${glob} whose only column is NULL is a blank line in CSV, which is no row. Append it with appendData.`,
        );
      return [names.map(csvField), ...lines].map((fieldTexts) => `${fieldTexts.join(",")}\n`).join("");
    }
  }
}

/** A path that the glob matches, for the n-th file of a test. */
export function landedPath({ glob, format }: FilesSource, n: number): string {
  const wildcard = glob.indexOf("*");
  const ending = glob.slice(wildcard).replace(/^\*+/, "");
  return `${glob.slice(0, wildcard)}data-${String(n).padStart(6, "0")}${ending === "" ? `.${format}` : ending}`;
}

/** NULL is an empty field, and every text is in quotes. */
function csvField(value: unknown): string {
  if (value === null) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `"${text.replaceAll('"', '""')}"`;
}
