/** What a table must hold, and what must have changed in it: the steps done on rows in memory, by their keys. */
import type { Step } from "./random-table.ts";

type Change = "insert" | "delete" | "update_preimage" | "update_postimage";

/** Rows by `id`, as texts. */
type Rows = ReadonlyMap<number, string>;

export interface ModelVersion {
  readonly rows: readonly string[];
  /** Rows with `_change_type` and `_commit_version`. */
  readonly changes: readonly string[];
}

/** Every version of a table: it is created empty, as version 0, and each step but `checkpoint` makes one more. */
export class Model {
  readonly versions: ModelVersion[] = [{ rows: [], changes: [] }];
  #rows: Rows = new Map();

  /** Does a step, as one version; says how many rows it changed. */
  apply(step: Step): number {
    const before = this.#rows;
    const after = new Map(afterStep(before, step));
    const version = this.versions.length;
    const changes = changesOf(step, before, after).map(([kind, row]) => withColumns(row, kind, version));
    this.#rows = after;
    this.versions.push({ rows: [...after.values()], changes });
    return changes.length;
  }

  /** How many rows a step would change. */
  concerns(step: Step): number {
    return changesOf(step, this.#rows, afterStep(this.#rows, step)).length;
  }

  get newest(): ModelVersion {
    return this.versions.at(-1)!;
  }
}

function afterStep(before: Rows, step: Step): Rows {
  switch (step.kind) {
    case "append":
    case "merge":
      return new Map([...before, ...byId(step.rows)]);
    case "overwrite":
      return byId(step.rows);
    case "delete":
      return new Map([...before].filter(([id]) => !meets(step.where, id)));
    case "update":
      return new Map(
        [...before].map(([id, row]) => [id, meets(step.where, id) ? withNote(row, step.set["note"]!) : row]),
      );
    default:
      return before;
  }
}

function changesOf(step: Step, before: Rows, after: Rows): readonly (readonly [Change, string])[] {
  switch (step.kind) {
    case "overwrite":
      return [...[...before.values()].map(as("delete")), ...[...after.values()].map(as("insert"))];
    case "update":
      return pairs(
        before,
        after,
        [...before.keys()].filter((id) => meets(step.where, id)),
      );
    case "append":
    case "merge": {
      const ids = [...byId(step.rows).keys()];
      const added = ids.filter((id) => !before.has(id)).map((id) => after.get(id)!);
      return [
        ...pairs(
          before,
          after,
          ids.filter((id) => before.has(id)),
        ),
        ...added.map(as("insert")),
      ];
    }
    case "delete":
      return [...before].filter(([id]) => !after.has(id)).map(([, row]) => ["delete", row]);
    default:
      return [];
  }
}

function pairs(before: Rows, after: Rows, ids: readonly number[]): readonly (readonly [Change, string])[] {
  return ids.flatMap((id) => [
    ["update_preimage", before.get(id)!] as const,
    ["update_postimage", after.get(id)!] as const,
  ]);
}

const as =
  (kind: Change) =>
  (row: string): readonly [Change, string] => [kind, row];

/** Conditions have one form: `id % 3 = 1`. */
export function moduloOf(where: string): { readonly divisor: number; readonly rest: number } {
  const [, divisor, rest] = /^id % (\d+) = (\d+)$/.exec(where) ?? [];
  return { divisor: Number(divisor), rest: Number(rest) };
}

function meets(where: string, id: number): boolean {
  const { divisor, rest } = moduloOf(where);
  return id % divisor === rest;
}

function byId(rows: readonly string[]): Map<number, string> {
  return new Map(rows.map((row) => [Number(/^\{"id":(\d+)/.exec(row)![1]), row]));
}

/** Values are SQL literals of texts without quotes in them. */
function withNote(row: string, value: string): string {
  return row.replace(/"note":(null|"(?:[^"\\]|\\.)*")/, () => `"note":${JSON.stringify(value.slice(1, -1))}`);
}

function withColumns(row: string, kind: Change, version: number): string {
  return `${row.slice(0, -1)},"_change_type":"${kind}","_commit_version":${version}}`;
}
