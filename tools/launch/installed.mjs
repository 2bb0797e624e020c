import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";

/**
 * What is installed in a folder, compared with its lockfile. A stamp inside node_modules remembers the lockfile's hash,
 * so that the usual case costs one small read; it goes whenever npm replaces node_modules.
 *
 * The stamp, `node_modules/.dyne-installed`: {"lock":"<sha-256>","dev":true}
 */
export function readState(folder, dev) {
  const lockText = readFileSync(join(folder, "package-lock.json"), "utf8");
  const lock = createHash("sha256").update(lockText).digest("hex");
  const stamp = readJson(stampPath(folder));
  if (stamp?.lock === lock && (stamp.dev || !dev)) return { kind: "complete", lock, stamped: true };

  const present = readJson(join(folder, "node_modules/.package-lock.json"))?.packages;
  if (present === undefined) return { kind: "absent", lock };
  const wanted = Object.entries(JSON.parse(lockText).packages).filter(([path]) => path !== "");
  const has = ([path, entry]) => entry.optional || entry.devOptional || present[path]?.version === entry.version;
  const forUsers = wanted.filter(([, entry]) => !entry.dev);
  if (!forUsers.every(has)) return { kind: "outdated", lock };
  if (dev && !wanted.every(has)) return { kind: "without dev", lock };
  return { kind: "complete", lock, stamped: false };
}

/** The file that says what is installed. */
export function stampPath(folder) {
  return join(folder, "node_modules/.dyne-installed");
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
