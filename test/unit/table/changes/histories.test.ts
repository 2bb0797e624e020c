/** The law of the change feed: the rows before a range, and what the range changed, are the rows after it. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deletedRowsOf, writeDeletionVectors, type Action, type AddFile } from "../../../../shared/delta/index.ts";
import type { DataType } from "../../../../shared/plan/index.ts";
import {
  changeInputs,
  planChanges,
  readChanges,
  readRowTexts,
  type ChangeRange,
} from "../../../../shared/table/index.ts";
import { openCompute, rowsOf, schemaOf, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { metaData, removeOfAdd, TableHistory, vectorProtocol } from "../../../support/table-history.ts";

const types = { id: { kind: "long" }, name: { kind: "string" } } satisfies Record<string, DataType>;

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

/** Few values, so that rows are equal often: what changed is a multiset. */
const ids = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 });
const kinds = ["append", "overwrite", "remove", "compact", "mark", "unmark", "rewrite", "recorded", "nothing"] as const;
const step = fc.record({ kind: fc.constantFrom(...kinds), which: fc.nat(20), ids, feed: fc.boolean() });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A file as the model knows it: its rows, and which of them are marked as deleted. */
interface ModelFile {
  readonly add: AddFile;
  readonly ids: readonly number[];
  readonly marked: ReadonlySet<number>;
}

const live = ({ ids: all, marked }: ModelFile): number[] => all.filter((_, row) => !marked.has(row));

/** A history beside the rows that it should have at each version. */
class ModelledHistory {
  readonly history: TableHistory;
  readonly rows: (readonly number[])[] = [];
  #files: readonly ModelFile[] = [];

  constructor() {
    this.history = new TableHistory(under);
  }

  async commit(actions: readonly Action[], files: readonly ModelFile[]): Promise<void> {
    await this.history.commit(actions);
    this.#files = files;
    this.rows.push(files.flatMap(live));
  }

  async #file(fileIds: readonly number[], fields: Partial<AddFile> = {}): Promise<ModelFile> {
    const columns = { id: fileIds.map(BigInt), name: fileIds.map((id) => `n${id}`) };
    return { add: await this.history.file(types, columns, fields), ids: fileIds, marked: new Set() };
  }

  async #cdc(went: readonly number[], came: readonly number[], types_: readonly [string, string]): Promise<Action> {
    const all = [...went, ...came];
    const columns = {
      id: all.map(BigInt),
      name: all.map((id) => `n${id}`),
      _change_type: [...went.map(() => types_[0]), ...came.map(() => types_[1])],
    };
    return { cdc: await this.history.changeFile(types, columns) };
  }

  /** The same file with other rows marked. */
  async #marked(file: ModelFile, marked: ReadonlySet<number>): Promise<ModelFile> {
    const { deletionVector: _, ...rest } = file.add;
    const plain = { ...rest, dataChange: true };
    if (marked.size === 0) return { ...file, add: plain, marked };
    const [deletionVector] = await writeDeletionVectors(this.history.table.log, [deletedRowsOf(marked)]);
    return { ...file, add: { ...plain, deletionVector: deletionVector! }, marked };
  }

  async take({ kind, which, ids: some, feed }: Step): Promise<void> {
    const files = this.#files;
    const at = files.length === 0 ? -1 : which % files.length;
    const file = files[at];
    const others = files.filter((_, index) => index !== at);
    if (kind === "append" || file === undefined) {
      const added = await this.#file(some);
      return this.commit([{ add: added.add }], [...files, added]);
    }
    const exchanged = async (next: ModelFile | undefined, recorded?: Action) =>
      this.commit(
        [removeOfAdd(file.add), ...(next ? [{ add: next.add }] : []), ...(recorded ? [recorded] : [])],
        next === undefined ? others : [...others, next],
      );
    switch (kind) {
      case "overwrite": {
        const added = await this.#file(some);
        return this.commit([...files.map(({ add }) => removeOfAdd(add)), { add: added.add }], [added]);
      }
      case "remove":
        return exchanged(undefined);
      case "compact": {
        const left = files.flatMap(live);
        const removes = files.map(({ add }) => removeOfAdd(add, { dataChange: false }));
        if (left.length === 0) return this.commit(removes, []);
        const merged = await this.#file(left, { dataChange: false });
        return this.commit([...removes, { add: merged.add }], [merged]);
      }
      case "mark": {
        const now = new Set([...file.marked, ...some.map((id) => id % file.ids.length)]);
        const went = file.ids.filter((_, row) => now.has(row) && !file.marked.has(row));
        const recorded = feed && went.length > 0 ? await this.#cdc(went, [], ["delete", "insert"]) : undefined;
        return exchanged(await this.#marked(file, now), recorded);
      }
      case "unmark": {
        // Some rows come back, and others go in their place.
        const now = new Set(some.map((id) => (id + which) % file.ids.length));
        return exchanged(await this.#marked(file, now));
      }
      case "rewrite":
        return exchanged(await this.#file([...live(file), ...some]));
      case "recorded": {
        const before = live(file);
        const kept = before.slice(1);
        const went = before.slice(0, 1);
        const recorded = await this.#cdc(went, some, ["update_preimage", "update_postimage"]);
        return exchanged(await this.#file([...kept, ...some]), recorded);
      }
      case "nothing":
        return this.commit([], files);
    }
  }
}

const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
const weights: Readonly<Record<string, number>> = { insert: 1, update_postimage: 1, delete: -1, update_preimage: -1 };

interface Change {
  readonly id: number;
  readonly type: string;
  readonly version: number;
}

/** The rows after the changes; an error where a row goes that is not there. */
function applied(before: readonly number[], changes: readonly Change[]): number[] {
  const counts = new Map<number, number>();
  const add = (id: number, weight: number) => counts.set(id, (counts.get(id) ?? 0) + weight);
  for (const id of before) add(id, 1);
  for (const { id, type } of changes) add(id, weights[type] ?? Number.NaN);
  return [...counts].flatMap(([id, count]) => {
    if (!(count >= 0)) throw new Error(`the row ${id} is there ${count} times`);
    return Array.from({ length: count }, () => id);
  });
}

async function byTexts({ session }: TableHistory, range: ChangeRange): Promise<Change[]> {
  const texts = await Array.fromAsync(readChanges(session, range));
  return texts.map((text) => {
    const row = JSON.parse(text) as { id: number; name: string; _change_type: string; _commit_version: number };
    expect(row.name).toBe(`n${row.id}`);
    return { id: row.id, type: row._change_type, version: row._commit_version };
  });
}

/** All changes of a range by one job over their files. */
async function byInputs({ table }: TableHistory, range: ChangeRange): Promise<Change[]> {
  const { inputs, plan } = changeInputs(table, await planChanges(table, range));
  const rows = await rowsOf(under.compute, inputs, plan);
  return rows.map((row) => ({
    id: Number(row["id"]),
    type: String(row["_change_type"]),
    version: Number(row["_commit_version"]),
  }));
}

const text = ({ id, type, version }: Change) => `${version} ${type} ${id}`;

test("the rows before any range, and its changes, are the rows after it", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 7 }), async (steps) => {
      const model = new ModelledHistory();
      await model.commit([vectorProtocol, metaData(schemaOf(types))], []);
      for (const each of steps) await model.take(each);
      const { history, rows } = model;
      const newest = history.version;
      for (let from = 0; from <= newest; from++) {
        for (let to = from; to <= newest; to++) {
          const changes = await byInputs(history, { from, to });
          expect(sorted(applied(rows[from - 1] ?? [], changes)), `${from} to ${to}`).toEqual(sorted(rows[to] ?? []));
        }
      }
      const all = { from: 0, to: newest };
      const texts = await byTexts(history, all);
      expect(texts.map(text).sort()).toEqual((await byInputs(history, all)).map(text).sort());
      expect(texts.map(({ version }) => version)).toEqual(sorted(texts.map(({ version }) => version)));
      const there = await Array.fromAsync(
        readRowTexts(under.compute, history.table, await history.table.latest(), { limit: Number.POSITIVE_INFINITY }),
      );
      expect(sorted(there.map((row) => (JSON.parse(row) as { id: number }).id))).toEqual(sorted(rows[newest] ?? []));
    }),
    { numRuns: Number(process.env["CHANGES_RUNS"] ?? 15) },
  );
});
