/** Options of declarations, checked when they are declared: TypeScript refuses the same before anything runs, JavaScript does not. */
import { DyneError, nearestName, shown } from "../core/index.ts";

/** What an option has to be, in words that stand behind "Give". */
export interface OptionKind {
  readonly what: string;
  readonly isRight: (value: unknown) => boolean;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";

export const text: OptionKind = { what: "a text", isRight: isText };
export const flag: OptionKind = { what: "true or false", isRight: (value) => typeof value === "boolean" };
export const numeric: OptionKind = { what: "a number", isRight: (value) => typeof value === "number" };
export const names: OptionKind = {
  what: 'a list of names of columns, such as ["event_date"]',
  isRight: (value) => Array.isArray(value) && value.every(isText),
};
export const texts: OptionKind = {
  what: 'texts by name, such as { domain: "sales" }',
  isRight: (value) => isObject(value) && Object.values(value).every(isText),
};
/** As text; whether it is a length of time is told where it is read. */
export const duration: OptionKind = { what: 'a length of time, such as "10 minutes"', isRight: isText };
export const rules: OptionKind = {
  what: "a function that gives rules by name, such as ({ id }) => ({ has_id: drop(id.isNotNull()) })",
  isRight: (value) => typeof value === "function",
};
export const query: OptionKind = {
  what: "a query, which begins with read(…) or readStream(…)",
  isRight: (value) => isObject(value) && isObject(value["plan"]) && isObject(value["columns"]),
};
export const source: OptionKind = {
  what: "a source, which eventHub(…) or files(…) gives",
  isRight: (value) => isObject(value) && (value["kind"] === "eventHub" || value["kind"] === "files"),
};
export const structType: OptionKind = {
  what: "a schema, such as struct({ id: string() })",
  isRight: (value) => isObject(value) && value["kind"] === "struct" && isObject(value["fields"]),
};

/** One of some words. */
export function oneOf(...words: readonly string[]): OptionKind {
  const quoted = words.map((word) => `"${word}"`);
  return {
    what: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`,
    isRight: (value) => (words as readonly unknown[]).includes(value),
  };
}

/** Errors: INVALID_ARGUMENT for options that are none, one that is not known, and one of another kind. What is undefined is not given. */
export function checkOptions(options: unknown, known: Readonly<Record<string, OptionKind>>): void {
  if (!isObject(options))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `Its options are ${shown(options)}. Give an object with some of ${Object.keys(known).join(", ")}.`,
    );
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw unknownOption(name, Object.keys(known));
    if (!kind.isRight(value))
      throw new DyneError("INVALID_ARGUMENT", `${name} is ${shown(value)}. Give ${kind.what}.`, {
        details: { option: name },
      });
  }
}

function unknownOption(name: string, known: readonly string[]): DyneError {
  const nearest = nearestName(name, known);
  const remedy = nearest === undefined ? `There are ${known.join(", ")}.` : `Did you mean ${nearest}?`;
  return new DyneError("INVALID_ARGUMENT", `There is no option "${name}" here. ${remedy}`, {
    details: { option: name },
  });
}
