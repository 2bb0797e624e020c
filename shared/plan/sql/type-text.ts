/**
 * Types as Spark's DDL writes them, which is how `typeName` spells them too:
 *
 *     bigint   decimal(10,2)   array<string>   map<string, int>   struct<city: string, `zip code`: int>
 *
 * Everything within a type may be NULL.
 */
import { DyneError, limits } from "../../core/index.ts";
import { structOfFields } from "../data-type.ts";
import type { DataType, StructField } from "../types.ts";
import { typeNamed } from "./expression-types.ts";

/** Reads a type. Throws INVALID_ARGUMENT, naming the place, for a text that is none. Pure. */
export function parseType(text: string): DataType {
  const reader = new TypeReader(text);
  const type = reader.type(1);
  reader.end();
  return type;
}

class TypeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  type(depth: number): DataType {
    if (depth > limits.schemaNestingMax) throw this.#wrong(`types are read up to ${limits.schemaNestingMax} deep`);
    const start = this.#at;
    const name = this.#take(/[a-z_][a-z0-9_]*/iy)?.toLowerCase();
    switch (name) {
      case undefined:
        throw this.#wrong("a type such as bigint, decimal(10,2) or array<string> is wanted");
      case "array": {
        this.#need("<");
        const element = this.type(depth + 1);
        this.#need(">");
        return { kind: "array", element, containsNull: true };
      }
      case "map": {
        this.#need("<");
        const key = this.type(depth + 1);
        this.#need(",");
        const value = this.type(depth + 1);
        this.#need(">");
        return { kind: "map", key, value, valueContainsNull: true };
      }
      case "struct":
        return this.#struct(depth);
      default: {
        const type = typeNamed(name, this.#numbers());
        if (type !== undefined) return type;
        this.#at = start;
        throw this.#wrong(`${JSON.stringify(name)} is no type, or not with these numbers`);
      }
    }
  }

  end(): void {
    if (this.#take(/$/y) === undefined) throw this.#wrong("the type ends before it");
  }

  #struct(depth: number): DataType {
    const fields: (readonly [string, StructField])[] = [];
    const spelled = new Set<string>();
    this.#need("<");
    do {
      const name = this.#fieldName();
      if (spelled.has(name.toLowerCase())) throw this.#wrong(`the field ${JSON.stringify(name)} is there twice`);
      spelled.add(name.toLowerCase());
      this.#need(":");
      fields.push([name, { type: this.type(depth + 1), nullable: true }]);
    } while (this.#take(/,/y) !== undefined);
    this.#need(">");
    return structOfFields(Object.fromEntries(fields));
  }

  #fieldName(): string {
    const quoted = this.#take(/`(?:[^`]|``)+`/y);
    if (quoted !== undefined) return quoted.slice(1, -1).replaceAll("``", "`");
    const plain = this.#take(/[\p{L}\d_]+/uy);
    if (plain === undefined) throw this.#wrong("the name of a field is wanted, in backquotes where it is no word");
    return plain;
  }

  #numbers(): readonly number[] {
    if (this.#take(/\(/y) === undefined) return [];
    const numbers: number[] = [];
    do {
      const digits = this.#take(/\d{1,3}/y);
      if (digits === undefined) throw this.#wrong("a number of digits is wanted");
      numbers.push(Number(digits));
    } while (this.#take(/,/y) !== undefined);
    this.#need(")");
    return numbers;
  }

  #need(mark: string): void {
    this.#space();
    if (!this.#text.startsWith(mark, this.#at)) throw this.#wrong(`"${mark}" is wanted`);
    this.#at += mark.length;
  }

  /** What the sticky pattern matches after white space. */
  #take(pattern: RegExp): string | undefined {
    this.#space();
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }

  #wrong(reason: string): DyneError {
    return new DyneError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(this.#text)} is no type: ${reason} at character ${this.#at + 1}.`,
    );
  }
}
