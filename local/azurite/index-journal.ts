/**
 * A journal for Azurite's indexes, so that what it has acknowledged survives a SIGKILL.
 *
 * Azurite keeps each index in memory as collections of documents, and writes the whole of it into one file every five seconds. Here every
 * change of a document is also appended to a journal beside that file before the request is answered:
 *
 *     __azurite_db_blob__.json                   the index as it was written last
 *     __azurite_db_blob__.json.journal.7         what has changed since, one line each, each with its line feed:
 *
 *     {"collection":"$BLOBS_COLLECTION$","put":{"$loki":12,"name":"a/b",…}}
 *     {"collection":"$BLOBS_COLLECTION$","remove":12}
 *
 * A line says what a document is, not how it differs, so lines can be applied to an index that holds them already. Each time the index is
 * written, the lines go on in a journal of the next number; the earlier ones go when the new file is in place.
 */
import { closeSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DyneError } from "../../shared/core/errors.ts";

/** A document of an index; `$loki` is its number in its collection. */
export interface IndexDocument {
  readonly $loki: number;
}

/** What has become of a document. */
export type IndexChange =
  | { readonly collection: string; readonly put: IndexDocument }
  | { readonly collection: string; readonly remove: number };

/** The parts of an index file that a journal changes. Documents are in the order of their numbers. */
interface IndexFile {
  databaseVersion: number;
  readonly collections: { readonly name: string; data: IndexDocument[]; maxId: number }[];
}

/** Loki sorts the indexes of a file of an earlier version anew when it loads it. */
const versionWithoutIndexes = 1.4;

/** The journal of one index file that is being written to. */
export class IndexJournal {
  readonly #path: string;
  #number: number;
  #file: number | undefined;

  /** Goes on after the journals that are there. */
  constructor(indexPath: string) {
    this.#path = indexPath;
    this.#number = Math.max(0, ...journalsOf(indexPath)) + 1;
  }

  /** Appends a change. When it returns, the change survives the end of the process. */
  append(change: IndexChange): void {
    this.#file ??= openSync(journalPath(this.#path, this.#number), "a");
    writeAll(this.#file, Buffer.from(`${JSON.stringify(change)}\n`));
  }

  /** Goes on in a new journal; call it in the moment in which the index is copied. The function removes the earlier ones. */
  rotate(): () => void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    const before = this.#number++;
    return () => {
      for (const number of journalsOf(this.#path))
        if (number <= before) rmSync(journalPath(this.#path, number), { force: true });
    };
  }
}

/**
 * Brings the journals that a killed process left behind into the index files of a folder. Safe to repeat, also after it was killed itself.
 * A last line without its line feed was never answered for, and is left out. Throws `LOG_CORRUPT` for other damage.
 */
export function recoverIndexes(directory: string): void {
  const indexes = new Set(readdirSync(directory).flatMap((name) => /^(.+)\.journal\.\d+$/.exec(name)?.[1] ?? []));
  for (const name of indexes) {
    const path = join(directory, name);
    const journals = journalsOf(path).toSorted((a, b) => a - b);
    const index = parseIndex(path);
    for (const number of journals) applyChanges(index, readChanges(journalPath(path, number)), path);
    index.databaseVersion = versionWithoutIndexes;
    writeFileSync(`${path}.recovered`, JSON.stringify(index));
    renameSync(`${path}.recovered`, path);
    for (const number of journals) rmSync(journalPath(path, number), { force: true });
  }
}

function applyChanges(index: IndexFile, changes: readonly IndexChange[], path: string): void {
  const collections = new Map(
    index.collections.map((collection) => [
      collection.name,
      { collection, documents: new Map(collection.data.map((document) => [document.$loki, document])) },
    ]),
  );
  for (const change of changes) {
    const found = collections.get(change.collection);
    if (found === undefined) throw corrupt(path);
    if ("remove" in change) found.documents.delete(change.remove);
    else {
      found.documents.set(change.put.$loki, change.put);
      found.collection.maxId = Math.max(found.collection.maxId, change.put.$loki);
    }
  }
  for (const { collection, documents } of collections.values())
    collection.data = [...documents.values()].toSorted((a, b) => a.$loki - b.$loki);
}

function readChanges(path: string): IndexChange[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop();
  try {
    return lines.map((line) => JSON.parse(line) as IndexChange);
  } catch (cause) {
    throw corrupt(path, cause);
  }
}

function parseIndex(path: string): IndexFile {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as IndexFile;
  } catch (cause) {
    throw corrupt(path, cause);
  }
}

function corrupt(path: string, cause?: unknown): DyneError {
  return new DyneError("LOG_CORRUPT", `${path} is damaged. Start with an empty folder.`, { cause });
}

const journalPath = (indexPath: string, number: number): string => `${indexPath}.journal.${number}`;

function journalsOf(indexPath: string): number[] {
  const prefix = `${basename(indexPath)}.journal.`;
  return readdirSync(dirname(indexPath)).flatMap((name) =>
    name.startsWith(prefix) ? Number(name.slice(prefix.length)) : [],
  );
}

function writeAll(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}
