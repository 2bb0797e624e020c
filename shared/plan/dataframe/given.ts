/** What queries are built of, checked where it is given: TypeScript refuses the rest before anything runs, JavaScript does not. */
import { DyneError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest-name.ts";
import { shown } from "../../core/shown.ts";
import { unknownColumn } from "../analysis/field-of.ts";
import type { DataType } from "../types.ts";

/** Errors: INVALID_ARGUMENT for what is no function. `example` is one that would do. */
export function functionGiven<Given>(
  value: Given,
  clause: string,
  example: string,
): Given & ((...args: never) => unknown) {
  if (typeof value === "function") return value as Given & ((...args: never) => unknown);
  throw wrong(`${clause} is given ${shown(value)}, not a function. Give one, such as ${example}.`);
}

/** Errors: INVALID_ARGUMENT for what is no object of columns by name; each of its values is looked at where it is used. */
export function columnsGiven<Given>(value: Given, clause: string): Given & Readonly<Record<string, unknown>> {
  if (isPlain(value)) return value;
  throw wrong(
    `The function of ${clause} gives ${shown(value)}, not columns by name. Return an object of columns, such as ({ id }) => ({ id }).`,
  );
}

/** Errors: INVALID_ARGUMENT for what is no list of names. */
export function namesGiven(value: readonly string[], clause: string): readonly string[] {
  const given: unknown = value;
  if (!Array.isArray(given))
    throw wrong(`${clause} is given ${shown(given)}. Give a list of names of columns, such as ["id"].`);
  const at = given.findIndex((name) => typeof name !== "string");
  if (at === -1) return value;
  throw wrong(`${clause} is given ${shown(given[at])} as the name of a column. Give each name as a text.`);
}

/** Errors: INVALID_ARGUMENT for what is no list of columns. */
export function listGiven<Item>(value: readonly Item[], clause: string): readonly Item[] {
  if (Array.isArray(value)) return value;
  throw wrong(`${clause} is given ${shown(value)}. Give a list of columns, such as [at.desc(), id].`);
}

/** Errors: INVALID_ARGUMENT for options that are none, or one that is not known. */
export function optionsGiven(value: object, known: readonly string[], clause: string): void {
  if (!isPlain(value))
    throw wrong(`The options of ${clause} are ${shown(value)}. Give an object with some of ${known.join(", ")}.`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  const remedy = nearest === undefined ? `There are ${known.join(", ")}.` : `Did you mean ${nearest}?`;
  throw wrong(`There is no option "${unknown}" of ${clause}. ${remedy}`);
}

/** Errors: INVALID_ARGUMENT for what is no object of values by column. */
export function valuesGiven(value: object, clause: string): void {
  if (!isPlain(value)) throw wrong(`${clause} is given ${shown(value)}. Give values by column, such as { amount: 0 }.`);
}

/** Errors: INVALID_ARGUMENT for a word that is none of those. */
export function wordGiven(value: unknown, words: readonly string[], what: string): void {
  if (words.includes(value as string)) return;
  throw wrong(`${what} is ${shown(value)}. Give one of ${words.join(", ")}.`);
}

/** Errors: INVALID_ARGUMENT for what is no DataFrame. */
export function frameGiven(value: { readonly plan: unknown }, clause: string): void {
  const given: unknown = value;
  if (isObject(given) && isObject(given["plan"]) && typeof given["plan"]["kind"] === "string") return;
  throw wrong(`${clause} is given ${shown(given)}, not a query. Begin one with read(…) of the table.`);
}

/** Errors: INVALID_ARGUMENT for what is no declared table. */
export function tableGiven(value: { readonly name: string; readonly schema: DataType }, clause: string): void {
  const given: unknown = value;
  const { name, schema } = isObject(given) ? given : {};
  if (typeof name === "string" && isObject(schema) && schema["kind"] === "struct") return;
  throw wrong(
    `${clause} is given ${shown(given)}, not a table. Give what streamingTable(…) or materializedView(…) gave.`,
  );
}

/** Errors: INVALID_ARGUMENT for what says no columns to join by. */
export function pairGiven(value: unknown): void {
  if (isObject(value) && typeof value["left"] === "string" && typeof value["right"] === "string") return;
  throw wrong(
    `join is given ${shown(value)} as what to join by. Give a name of both sides, or { left: "id", right: "order_id" }.`,
  );
}

/** The same columns; one that there is not is an error where it is asked for. Errors, then: UNKNOWN_COLUMN. */
export function knownColumns<Columns extends object>(columns: Columns, place: string): Columns {
  return new Proxy(columns, {
    get(target, name) {
      // What is awaited or printed is asked for these two.
      if (typeof name === "symbol" || name in target || name === "then" || name === "toJSON")
        return Reflect.get(target, name) as unknown;
      throw unknownColumn(name, Object.keys(target), place);
    },
  });
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
const wrong = (message: string): DyneError => new DyneError("INVALID_ARGUMENT", message);
