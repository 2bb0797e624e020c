import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";

/** Entries hold a local time and a mode: written alike wherever the machine is and whatever its umask. */
const entryOptions = { mtime: new Date(2000, 0, 1), forceDosTimestamp: true, mode: 0o100644, compress: true };

/**
 * Packs the files of a folder, given by path in the order that they are to have, as a zip; into the file `path` if one is named, which is
 * replaced when the zip is whole. Gives its size and its hash. Equal paths and contents give equal bytes under one version of Node.js, whose
 * zlib compresses.
 */
export async function packZip(folder, files, path) {
  const zip = new ZipFile();
  const failed = new Promise((_, fail) => zip.once("error", fail));
  const hash = createHash("sha256");
  let bytes = 0;
  const measured = new Transform({
    transform(chunk, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const fresh = path === undefined ? undefined : join(dirname(path), `.${basename(path)}-${process.pid}`);
  const out = fresh === undefined ? new Writable({ write: (_, __, done) => done() }) : createWriteStream(fresh);
  try {
    const written = pipeline(zip.outputStream, measured, out);
    for (const file of files) zip.addBuffer(await readFile(join(folder, file.path)), file.path, entryOptions);
    zip.end();
    await Promise.race([written, failed]);
    if (fresh !== undefined) await rename(fresh, path);
    return { bytes, sha256: hash.digest("hex") };
  } finally {
    if (fresh !== undefined) await rm(fresh, { force: true });
  }
}
