/** Landed files: what lies under a source's glob, and exact copies of them for one batch. */
import { join } from "node:path";
import { instantText, type Random } from "../core/index.ts";
import type { ObjectMeta, ObjectStore } from "../storage/index.ts";

export interface Landed {
  readonly path: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedTime: string;
}

/** The prefix of a glob that every match begins with: up to the last slash before the first wildcard. */
export function globPrefix(glob: string): string {
  const wildcard = glob.search(/[*?]/);
  if (wildcard < 0) return glob;
  return glob.slice(0, glob.lastIndexOf("/", wildcard) + 1);
}

/** `*` and `?` stay within a folder, `**` crosses folders. */
export function globMatches(glob: string, path: string): boolean {
  const pattern = glob
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      return part.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
    })
    .join("");
  return new RegExp(`^${pattern}$`, "su").test(path);
}

/** A listed or looked-up object as a landed file. */
export function landedOf(meta: ObjectMeta): Landed {
  return {
    path: meta.path,
    etag: meta.etag,
    sizeBytes: meta.sizeBytes,
    modifiedTime: instantText(BigInt(meta.lastModifiedMs) * 1000n),
  };
}

/** Every landed file that the glob matches, oldest first. Files of no bytes are markers and are left out. */
export async function listLanded(store: ObjectStore, glob: string): Promise<Landed[]> {
  const found: Landed[] = [];
  for await (const meta of store.list(globPrefix(glob))) {
    if (meta.sizeBytes > 0 && globMatches(glob, meta.path)) found.push(landedOf(meta));
  }
  return found.sort((a, b) => compare(a.modifiedTime, b.modifiedTime) || compare(a.path, b.path));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Copies a file to the local disk exactly as it was planned; undefined where it was replaced or removed since (SPEC.md 21). */
export async function fetchLanded(
  store: ObjectStore,
  file: Landed,
  folder: string,
  random: Random,
): Promise<string | undefined> {
  const localPath = join(folder, random.uuid());
  return (await store.downloadFile(file.path, localPath, { ifMatch: file.etag })) ? localPath : undefined;
}
