/** What writers do to one table, drawn from a seed, and what they say they did. */
import { seededRandom, type Random } from "../../shared/core/index.ts";
import { optimize } from "../../shared/table/index.ts";
import { integer, long, struct, type LakeTable, type WriteOutcome } from "../../shared/table/lake/index.ts";

export const rowSchema = struct({ id: long(), writer: integer(), bucket: integer(), n: long() });
export type RowTypes = typeof rowSchema extends { readonly fields: infer Fields }
  ? { readonly [Name in keyof Fields]: Fields[Name] extends { readonly type: infer Type } ? Type : never }
  : never;
export type SharedTable = LakeTable<RowTypes>;

/** What a writer says of one of its operations. */
export type Done = { readonly writer: number; readonly version: number; readonly conflicts: number } & (
  | { readonly kind: "append"; readonly ids: readonly number[]; readonly txn?: number | undefined }
  /** Rows of these ids have one more `n`, or came with 0. */
  | { readonly kind: "merge"; readonly ids: readonly number[] }
  | { readonly kind: "delete"; readonly ofWriter: number; readonly bucket: number }
  | { readonly kind: "optimize" }
);

export const bucketCount = 10;
const idsPerWriter = 1_000_000;
/** So many tries of one operation: more than anyone should need. */
const attemptsMax = 500;

export interface Writer {
  readonly writer: number;
  readonly writers: number;
  readonly table: SharedTable;
  /** Of the table in the writer's reports. */
  readonly name: string;
}

/** A writer's operations on a table, one after another. */
export class Operations {
  readonly #random: Random;
  readonly #of: Writer;
  #nextId: number;
  #txn = 0;

  constructor(of: Writer) {
    this.#of = of;
    this.#random = seededRandom(of.writer * 7_919 + of.name.length);
    this.#nextId = of.writer * idsPerWriter;
  }

  /** Does one operation, repeating it after conflicts. Undefined where there was nothing to do. */
  async next(): Promise<Done | undefined> {
    const roll = this.#random.next();
    if (roll < 0.3) return this.#append();
    if (roll < 0.45) return this.#fencedAppend();
    if (roll < 0.7) return this.#merge();
    return roll < 0.93 ? this.#delete() : this.#optimize();
  }

  async #append(): Promise<Done | undefined> {
    const ids = this.#newIds(3);
    const done = await this.#until(() => this.#of.table.append(this.#rows(ids), { attemptsMax: 1 }));
    return done && { ...done, kind: "append", ids };
  }

  /** Twice, as after an answer that was lost: the second call must find that it is done. */
  async #fencedAppend(): Promise<Done | undefined> {
    const ids = this.#newIds(2);
    const [version, expected] = [this.#txn + 1, this.#txn === 0 ? undefined : this.#txn];
    const fences = [{ appId: `writer-${this.#of.writer}`, version, expected }];
    const append = () => this.#of.table.append(this.#rows(ids), { attemptsMax: 1, fences });
    const done = await this.#until(append);
    const again = await append();
    if (again.kind !== "already-committed") throw new Error(`a repeated fenced append was ${JSON.stringify(again)}`);
    this.#txn = version;
    return done && { ...done, kind: "append", ids, txn: version };
  }

  async #merge(): Promise<Done | undefined> {
    const known = await this.#of.table.rows({ select: ["id"] });
    const picked = known.map(({ id }) => Number(id)).filter(() => this.#random.next() < 0.05);
    const ids = [...new Set([...picked.slice(0, 4), ...this.#newIds(1)])];
    const done = await this.#until(async () => {
      const merge = await this.#of.table.merge(this.#rows(ids), ({ target, source }) => target.id.eq(source.id));
      return merge
        .whenMatchedUpdate(({ target }) => ({ n: target.n.plus(1) }))
        .whenNotMatchedInsert()
        .execute({ attemptsMax: 1 });
    });
    return done && { ...done, kind: "merge", ids };
  }

  async #delete(): Promise<Done | undefined> {
    const [ofWriter, bucket] = [this.#whole(this.#of.writers), this.#whole(bucketCount)];
    const done = await this.#until(() =>
      this.#of.table.delete(({ writer, bucket: of }) => writer.eq(ofWriter).and(of.le(bucket)), { attemptsMax: 1 }),
    );
    return done && { ...done, kind: "delete", ofWriter, bucket };
  }

  /** Its commits move no row, so that it need not be known which they are. */
  async #optimize(): Promise<Done | undefined> {
    await optimize(this.#of.table.session);
    return undefined;
  }

  async #until(
    write: () => Promise<WriteOutcome>,
  ): Promise<{ readonly writer: number; readonly version: number; readonly conflicts: number } | undefined> {
    for (let conflicts = 0; conflicts < attemptsMax; conflicts++) {
      const outcome = await write();
      if (outcome.kind === "committed") return { writer: this.#of.writer, version: outcome.version, conflicts };
      if (outcome.kind === "unchanged") return undefined;
      if (outcome.kind !== "conflict") throw new Error(`an unexpected outcome: ${JSON.stringify(outcome)}`);
    }
    throw new Error(`no success in ${attemptsMax} tries`);
  }

  #rows(ids: readonly number[]) {
    return ids.map((id) => ({ id, writer: Math.floor(id / idsPerWriter), bucket: id % bucketCount, n: 0 }));
  }

  #newIds(most: number): readonly number[] {
    return Array.from({ length: 1 + this.#whole(most) }, () => this.#nextId++);
  }

  #whole(below: number): number {
    return Math.floor(this.#random.next() * below);
  }
}
