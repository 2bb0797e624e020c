/** Lets the library in which Azurite keeps its indexes write a journal, without a change to either. */
import { basename } from "node:path";
import { IndexJournal, type IndexDocument } from "./index-journal.ts";

/** What is used of lokijs 1.5. */
interface LokiCollection {
  readonly name: string;
  on(
    event: "insert" | "update" | "delete",
    listener: (changed: IndexDocument | readonly IndexDocument[]) => void,
  ): void;
}
interface LokiDatabase {
  readonly filename: string;
  readonly collections: readonly LokiCollection[];
  addCollection: (this: LokiDatabase, name: string, options?: unknown) => LokiCollection;
}
type SaveDatabase = (path: string, text: string, callback: (error?: unknown) => void) => void;
export interface LokiModule {
  readonly prototype: LokiDatabase;
  readonly LokiFsAdapter: { readonly prototype: { saveDatabase: SaveDatabase } };
}

/** Tables are not used, and their collections come and go. */
const journaled = /^__azurite_db_(?:blob|queue)/;

/** From now on every change of an index of blobs or queues is in its journal before the call that makes it returns. */
export function journalIndexes(loki: LokiModule): void {
  const journals = new Map<string, IndexJournal>();
  const journalOf = (path: string): IndexJournal | undefined => {
    if (!journaled.test(basename(path))) return undefined;
    const known = journals.get(path) ?? new IndexJournal(path);
    journals.set(path, known);
    return known;
  };

  const { addCollection } = loki.prototype;
  loki.prototype.addCollection = function (name, options) {
    const isNew = !this.collections.some((collection) => collection.name === name);
    const collection = addCollection.call(this, name, options);
    const journal = journalOf(this.filename);
    if (isNew && journal !== undefined) follow(collection, journal);
    return collection;
  };

  const adapter = loki.LokiFsAdapter.prototype;
  const { saveDatabase } = adapter;
  adapter.saveDatabase = function (path, text, callback) {
    // The text was made in this same turn: what changes from here on is not in it.
    const removeEarlier = journalOf(path)?.rotate();
    saveDatabase.call(this, path, text, (error) => {
      if (!error) removeEarlier?.();
      callback(error);
    });
  };
}

function follow(collection: LokiCollection, journal: IndexJournal): void {
  const { name } = collection;
  const put = (changed: IndexDocument | readonly IndexDocument[]) => {
    for (const document of [changed].flat()) journal.append({ collection: name, put: document });
  };
  collection.on("insert", put);
  collection.on("update", put);
  collection.on("delete", (changed) => {
    for (const document of [changed].flat()) journal.append({ collection: name, remove: document.$loki });
  });
}
