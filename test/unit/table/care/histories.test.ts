/** Random histories with care in between: what readers of any kept version find never changes, and nothing else is kept. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  dataFilePath,
  deletionVectorPath,
  stateAt,
  unexpired,
  writeCheckpoint,
  type AddFile,
} from "../../../../shared/delta/index.ts";
import { optimize, purge, vacuum } from "../../../../shared/table/index.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { filesOf, KeptTable } from "../../../support/kept-table.ts";

const dayMs = 24 * 60 * 60 * 1_000;
const types = { id: { kind: "long" }, x: { kind: "integer" }, part: { kind: "integer" } } as const;

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

type Step =
  | { readonly kind: "append"; readonly rows: readonly number[]; readonly lane: string }
  | { readonly kind: "drop" | "deleteRows"; readonly pick: number; readonly rows: number }
  | { readonly kind: "orphan" | "optimize" | "zOrder" | "purge" | "checkpoint" | "vacuum" }
  | { readonly kind: "wait"; readonly days: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      rows: fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 5 }),
      lane: fc.constantFrom("0", "1"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("drop" as const, "deleteRows" as const, "deleteRows" as const),
      pick: fc.nat(),
      rows: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("orphan", "optimize", "zOrder", "purge", "checkpoint", "vacuum", "vacuum"),
    }) as fc.Arbitrary<Step>,
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), days: fc.integer({ min: 1, max: 8 }) }) },
);

/** What is known of each version: its rows, its files, and when it became the newest. */
interface Version {
  readonly rows: readonly string[];
  readonly paths: readonly string[];
  readonly timeMs: number;
}

class History {
  readonly kept: KeptTable;
  readonly versions: Version[] = [];
  #ids = 0;

  constructor(kept: KeptTable) {
    this.kept = kept;
  }

  async take(each: Step): Promise<void> {
    const { kept } = this;
    kept.clock.advance(60_000);
    const before = await kept.rows();
    await this.#act(each);
    await this.#note();
    const care = ["orphan", "optimize", "zOrder", "purge", "checkpoint", "vacuum", "wait"].includes(each.kind);
    if (care) assert.deepEqual(await kept.rows(), before);
  }

  async #act(each: Step): Promise<void> {
    const { kept } = this;
    switch (each.kind) {
      case "append":
        await kept.append(this.#columns(each.rows), { lane: each.lane });
        return;
      case "orphan":
        await kept.write(this.#columns([1]));
        return;
      case "drop":
      case "deleteRows": {
        const files = filesOf(await kept.table.latest());
        const file = files[each.pick % files.length];
        if (file === undefined) return;
        if (each.kind === "drop" || file.deletionVector !== undefined) await kept.drop([file]);
        else await kept.deleteRows(file, Array.from({ length: each.rows }, (_, row) => row).slice(0, rowCount(file)));
        return;
      }
      case "optimize":
        await optimize(kept);
        return;
      case "zOrder":
        await optimize(kept, { zOrderBy: ["x", "id"], targetBytes: 700 });
        return;
      case "purge":
        await purge(kept);
        return;
      case "checkpoint": {
        const state = await stateAt(kept.table.log, (await kept.table.latest()).version);
        await writeCheckpoint(kept.table.log, { ...state, tombstones: unexpired(state, kept.clock.nowMs()) });
        return;
      }
      case "vacuum":
        await vacuum(kept.table);
        await this.#note();
        await this.verify();
        return;
      case "wait":
        kept.clock.advance(each.days * dayMs);
    }
  }

  #columns(xs: readonly number[]) {
    const id = xs.map(() => BigInt(this.#ids++));
    return { id, x: xs.map((x) => x), part: xs.map((x) => x % 2) };
  }

  /** Takes down the versions that came about since the last time. */
  async #note(): Promise<void> {
    const { table } = this.kept;
    const { version } = await table.latest();
    for (let at = this.versions.length; at <= version; at++) {
      const snapshot = await table.at(at);
      const paths = filesOf(snapshot).flatMap((file) => pathsOf(this.kept, file));
      this.versions.push({ rows: await this.kept.rows(at), paths, timeMs: snapshot.timestampMs });
    }
  }

  /** Right after a vacuum: kept versions have all their rows, and the store has no old file beyond what they need. */
  async verify(): Promise<void> {
    const sinceMs = this.kept.clock.nowMs() - 7 * dayMs;
    const needed = new Set<string>();
    for (const [version, { rows, paths }] of this.versions.entries()) {
      const untilMs = this.versions[version + 1]?.timeMs ?? Number.POSITIVE_INFINITY;
      if (untilMs < sinceMs) continue;
      assert.deepEqual({ version, rows: await this.kept.rows(version) }, { version, rows });
      for (const path of paths) needed.add(path);
    }
    for (const path of await this.kept.objects()) {
      const meta = await this.kept.store.head(`${this.kept.table.path}/${path}`);
      if (meta!.lastModifiedMs < sinceMs) assert.ok(needed.has(meta!.path), `${meta!.path} is left`);
    }
  }
}

function pathsOf({ table }: KeptTable, file: AddFile): string[] {
  const vector = file.deletionVector && deletionVectorPath(table.log, file.deletionVector);
  return [dataFilePath(table.log, file), ...(vector === undefined ? [] : [vector])];
}

function rowCount({ stats }: AddFile): number {
  return (JSON.parse(stats ?? "{}") as { numRecords: number }).numRecords;
}

test("after any history, care changes no row of a kept version, and vacuum keeps what these need and nothing else that is old", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const history = new History(await KeptTable.create(under.compute, { types, partitionBy: ["part"] }));
      for (const each of steps) await history.take(each);
      // Old files that were only just removed, then nothing but what is left of them.
      for (const kind of ["zOrder", "vacuum"] as const) {
        await history.take({ kind: "wait", days: 8 });
        await history.take({ kind: "orphan" });
        await history.take({ kind });
        await history.take({ kind: "vacuum" });
      }
    }),
    { numRuns: Number(process.env["CARE_RUNS"] ?? 12) },
  );
}, 120_000);

test("two who optimize, one who purges and one who appends, at once, leave every row once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("optimize", "zOrder", "purge", "append"), { minLength: 3, maxLength: 5 }),
      async (acts) => {
        const kept = await KeptTable.create(under.compute, { types, partitionBy: ["part"] });
        for (let i = 0; i < 4; i++) await kept.append({ id: [BigInt(i), BigInt(i + 10)], x: [i, 9 - i], part: [0, 1] });
        for (const file of filesOf(await kept.table.latest()).slice(0, 2)) await kept.deleteRows(file, [0]);
        const before = await kept.rows();
        const results = await Promise.all(
          acts.map(async (act, index) => {
            const session = { table: kept.another(), compute: under.compute };
            if (act === "append")
              return kept.append({ id: [BigInt(100 + index)], x: [1], part: [0] }, undefined, session.table);
            if (act === "purge") return purge(session);
            return optimize(session, act === "zOrder" ? { zOrderBy: ["x"] } : {});
          }),
        );
        expect(results).toHaveLength(acts.length);
        const rows = await kept.rows();
        expect(rows.filter((row) => !/"id":1\d\d/.test(row))).toEqual(before);
        expect(rows).toHaveLength(before.length + acts.filter((act) => act === "append").length);
      },
    ),
    { numRuns: Number(process.env["CARE_RUNS"] ?? 12) },
  );
}, 120_000);
