/** An index and its journal, in the library that Azurite keeps its indexes in. `FC_SEED=…` replays a failure with the seed that fast-check prints. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IndexJournal, recoverIndexes } from "../../../../local/azurite/index-journal.ts";
import { journalIndexes, type LokiModule } from "../../../../local/azurite/journal-hook.ts";
import { temporaryDirectory } from "./temporary-azurite.ts";

interface Row {
  readonly name: string;
  size: number;
  readonly $loki?: number;
}
interface Rows {
  insert(row: Row): Row;
  update(rows: Row | readonly Row[]): void;
  remove(row: Row): void;
  findAndRemove(query: object): void;
  find(query?: object): Row[];
  findOne(query: object): Row | null;
}
interface Database {
  addCollection(name: string, options?: object): Rows;
  saveDatabase(done: (error?: unknown) => void): void;
  loadDatabase(options: object, done: (error?: unknown) => void): void;
}
type Loki = LokiModule & (new (path: string, options: object) => Database);

const require = createRequire(import.meta.url);
const loki = createRequire(require.resolve("azurite/dist/src/azurite.js"))("lokijs") as Loki;
const indexName = "__azurite_db_blob__.json";
const seed = process.env["FC_SEED"] === undefined ? {} : { seed: Number(process.env["FC_SEED"]) };

const called = (call: (done: (error?: unknown) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let folders = 0;
beforeAll(async () => {
  journalIndexes(loki);
  folder = await temporaryDirectory();
});
afterAll(async () => folder[Symbol.asyncDispose]());

const freshFolder = (): string => {
  const path = join(folder.path, String(folders++));
  mkdirSync(path);
  return path;
};

/** What Azurite does at its start: loads the index where there is one, and writes it. */
async function open(directory: string): Promise<{ readonly database: Database; readonly rows: Rows }> {
  recoverIndexes(directory);
  const database = new loki(join(directory, indexName), { persistenceMethod: "fs" });
  if (readdirSync(directory).includes(indexName)) await called((done) => database.loadDatabase({}, done));
  const rows = database.addCollection("rows", { indices: ["name"] });
  await called((done) => database.saveDatabase(done));
  return { database, rows };
}

const contents = (rows: Rows): string[] =>
  rows
    .find()
    .map(({ name, size }) => `${name} ${size}`)
    .toSorted();

type Step =
  | { readonly kind: "insert" | "update" | "remove" | "removeAll"; readonly name: string; readonly size: number }
  | { readonly kind: "save" | "startSave" | "kill" };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom("insert" as const, "update" as const, "remove" as const, "removeAll" as const),
      name: fc.constantFrom("a", "b", "c", "d"),
      size: fc.nat(99),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("save" as const, "startSave" as const, "kill" as const) }),
  },
);

test("an index is what it was when its process was killed, at whatever moment, however often", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      let directory = freshFolder();
      let { database, rows } = await open(directory);
      for (const now of [...steps, { kind: "kill" } as const]) {
        switch (now.kind) {
          case "insert":
            rows.insert({ name: now.name, size: now.size });
            break;
          case "update": {
            const found = rows.find({ name: now.name });
            for (const row of found) row.size = now.size;
            rows.update(found);
            break;
          }
          case "remove": {
            const found = rows.findOne({ name: now.name });
            if (found !== null) rows.remove(found);
            break;
          }
          case "removeAll":
            rows.findAndRemove({ name: now.name });
            break;
          case "save":
            await called((done) => database.saveDatabase(done));
            break;
          case "startSave":
            database.saveDatabase(() => undefined);
            break;
          case "kill": {
            // The files as they are in this moment; whatever the abandoned one still writes goes elsewhere.
            const before = contents(rows);
            const copy = freshFolder();
            cpSync(directory, copy, { recursive: true });
            directory = copy;
            ({ database, rows } = await open(directory));
            expect(contents(rows)).toEqual(before);
            for (const name of ["a", "b", "c", "d"])
              expect(
                rows
                  .find({ name })
                  .map((row) => `${row.name} ${row.size}`)
                  .toSorted(),
              ).toEqual(before.filter((text) => text.startsWith(name)));
          }
        }
      }
    }),
    { numRuns: 60, ...seed },
  );
});

describe("a journal that a killed process left", () => {
  /** An index with one row and a journal with a second one. */
  async function left(): Promise<{ readonly directory: string; readonly journal: string }> {
    const directory = freshFolder();
    const { rows } = await open(directory);
    rows.insert({ name: "a", size: 1 });
    rows.insert({ name: "b", size: 2 });
    const journal = readdirSync(directory).find((name) => name.includes(".journal.")) ?? "none";
    return { directory, journal: join(directory, journal) };
  }

  test("is in the index after, and gone", async () => {
    const { directory } = await left();
    recoverIndexes(directory);
    recoverIndexes(directory);
    expect(readdirSync(directory)).toEqual([indexName]);
    expect(contents((await open(directory)).rows)).toEqual(["a 1", "b 2"]);
  });

  test("whose last line is torn is taken without it, wherever it is torn", async () => {
    const { directory, journal } = await left();
    const text = readFileSync(journal, "utf8");
    const lastLine = text.indexOf("\n") + 1;
    for (let bytes = lastLine; bytes < text.length; bytes += 7) {
      const copy = freshFolder();
      cpSync(directory, copy, { recursive: true });
      truncateSync(join(copy, journal.slice(directory.length)), bytes);
      expect(contents((await open(copy)).rows)).toEqual(["a 1"]);
    }
  });

  test("is taken again where the process that took it was killed too", async () => {
    const { directory, journal } = await left();
    const text = readFileSync(journal);
    recoverIndexes(directory);
    writeFileSync(journal, text);
    expect(contents((await open(directory)).rows)).toEqual(["a 1", "b 2"]);
  });

  test("is followed by others, which go when the index is written", async () => {
    const { directory } = await left();
    const { database, rows } = await open(directory);
    rows.remove(rows.findOne({ name: "b" }) as Row);
    rows.insert({ name: "c", size: 3 });
    await called((done) => database.saveDatabase(done));
    expect(readdirSync(directory)).toEqual([indexName]);
    rows.insert({ name: "d", size: 4 });
    expect(contents((await open(directory)).rows)).toEqual(["a 1", "c 3", "d 4"]);
  });

  test("with damage in its middle, or without its index, is refused", async () => {
    const damaged = await left();
    appendFileSync(damaged.journal, "{nothing\n{}\n");
    expect(() => recoverIndexes(damaged.directory)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
    const orphaned = await left();
    rmSync(join(orphaned.directory, indexName));
    expect(() => recoverIndexes(orphaned.directory)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
  });
});

test("an index of tables has no journal", async () => {
  const directory = freshFolder();
  const database = new loki(join(directory, "__azurite_db_table__.json"), { persistenceMethod: "fs" });
  database.addCollection("rows").insert({ name: "a", size: 1 });
  expect(readdirSync(directory)).toEqual([]);
  new IndexJournal(join(directory, indexName)).append({ collection: "rows", remove: 1 });
  expect(readdirSync(directory)).toEqual([`${indexName}.journal.1`]);
});
