/** The package that is published: built by this program from the checkout, or one that was built before. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { RunError } from "@pulumi/pulumi";

const checkout = join(import.meta.dirname, "..");

export interface Code {
  /** Absolute. */
  readonly path: string;
  /** Of the zip. Equal sources give an equal one, so that the app is published where they have changed. */
  readonly sha256: string;
}

/**
 * The code of the app. Without the setting `package` it is built into `dist/` and `dist.zip`; a path, taken from `infra/`, names a zip that
 * `npm run build -- --zip` made; `none` leaves the app as it is. Throws a RunError where it cannot be built or there is no zip.
 */
export function codeOf(setting: string | undefined): Code | undefined {
  if (setting === "none") return undefined;
  const path = setting === undefined ? build() : resolve(import.meta.dirname, setting);
  return { path, sha256: createHash("sha256").update(readZip(path)).digest("hex") };
}

/** The bytes of a package. Throws a RunError where it is not there, or no zip. */
export function readZip(path: string): Buffer<ArrayBuffer> {
  let bytes: Buffer<ArrayBuffer>;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new RunError(`The package cannot be read: ${(error as Error).message}. ${remedy}`);
  }
  // Every zip, an empty one too, begins with these letters.
  if (bytes.subarray(0, 2).toString("latin1") !== "PK") throw new RunError(`${path} is no zip file. ${remedy}`);
  return bytes;
}

const remedy =
  "Make it: npm run build -- --zip dist.zip. Or let pulumi up build it: pulumi config rm package. Or leave the app as it is: pulumi config set package none";

/** Pulumi runs on the Node.js of the checkout, so that the build does. */
function build(): string {
  const path = join(checkout, "dist.zip");
  const args = [join(checkout, "tools/build.mjs"), "--zip", path, "--json"];
  const { status, stderr, error } = spawnSync(process.execPath, args, { cwd: checkout, encoding: "utf8" });
  if (error !== undefined) throw new RunError(`The app cannot be built: ${error.message}`);
  if (status !== 0) throw new RunError(`The app cannot be built.\n${stderr.trimEnd()}`);
  return path;
}
