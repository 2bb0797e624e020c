import type { Dialect } from "../functions/function-definition.ts";
import { quoteName } from "./quoting.ts";

/**
 * Expressions that are computed once per row and then used by name. They become layers of sub-selects, each layer using the names
 * of those below, so that the text of a query grows with the plan and not with every repetition.
 */
export class Binder {
  readonly #dialect: Dialect;
  readonly #bindings: { readonly name: string; readonly sql: string; readonly depth: number }[] = [];

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** A name or a number, which need not be bound. */
  static isName(sql: string): boolean {
    return /^"(?:[^"]|"")*"$/.test(sql) || /^`(?:[^`]|``)*`$/.test(sql) || /^[0-9]+$/.test(sql);
  }

  /** The name under which the value of `sql` can be used. A name stays as it is. */
  bind(sql: string): string {
    if (Binder.isName(sql)) return sql;
    const known = this.#bindings.find((binding) => binding.sql === sql);
    if (known !== undefined) return known.name;
    const name = quoteName(`__dyne_${this.#bindings.length + 1}`, this.#dialect);
    let depth = 1;
    for (const [, number] of sql.matchAll(/["`]__dyne_(\d+)["`]/g)) {
      const used = this.#bindings[Number(number) - 1];
      if (used !== undefined) depth = Math.max(depth, used.depth + 1);
    }
    this.#bindings.push({ name, sql, depth });
    return name;
  }

  /** A FROM item with all its columns and those that were bound. */
  over(from: string): string {
    let layered = from;
    const depths = [...new Set(this.#bindings.map(({ depth }) => depth))].sort((a, b) => a - b);
    for (const depth of depths) {
      const columns = this.#bindings
        .filter((binding) => binding.depth === depth)
        .map(({ name, sql }) => `${sql} AS ${name}`);
      layered = `(SELECT *, ${columns.join(", ")} FROM ${layered})`;
    }
    return layered;
  }
}
