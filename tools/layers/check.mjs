/**
 * Checks that the folders import each other only as the table in rules.mjs allows, and that this check can fail:
 * wrong imports planted in a copy of the sources must all be found, and a cruise of no modules must be refused.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { askOf, cruiseLayers } from "./cruise.mjs";
import { cruisedFolders } from "./rules.mjs";
import { planted } from "./planted.mjs";

const root = resolve(import.meta.dirname, "../..");

/** The real sources: no violation. */
async function checkSources() {
  const { moduleCount, violations } = await cruiseLayers(root);
  for (const { rule, from, to } of violations) console.error(`${from} → ${to}\n  ${rule}: ${askOf(rule)}`);
  if (violations.length > 0) throw new Error(`${violations.length} imports break the layers.`);
  console.log(`layers: ${moduleCount} modules, no wrong import`);
}

/** A copy of the sources with planted files: each wrong one is found under its rule, each right one is not. */
async function checkPlanted() {
  const copy = mkdtempSync(join(tmpdir(), "dyne-layers-"));
  try {
    for (const folder of cruisedFolders) {
      if (existsSync(join(root, folder))) cpSync(join(root, folder), join(copy, folder), { recursive: true });
    }
    cpSync(join(root, "package.json"), join(copy, "package.json"));
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    for (const { path, text } of planted) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      writeFileSync(join(copy, path), text);
    }
    const { violations } = await cruiseLayers(copy);
    const wrong = planted.filter(({ path, rule }) => {
      const found = violations.filter((violation) => violation.from === path).map((violation) => violation.rule);
      return rule === undefined ? found.length > 0 : !found.includes(rule);
    });
    for (const { path, rule } of wrong) console.error(`${path}: expected ${rule ?? "no violation"}`);
    if (wrong.length > 0) throw new Error("The layers check missed what was planted.");
    console.log(`layers: ${planted.length} planted imports judged rightly`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** A folder without modules: refused. */
async function checkNothing() {
  const empty = mkdtempSync(join(tmpdir(), "dyne-layers-empty-"));
  try {
    mkdirSync(join(empty, "shared"));
    const refused = await cruiseLayers(empty).then(
      () => false,
      () => true,
    );
    if (!refused) throw new Error("A cruise of no modules passed.");
    console.log("layers: a cruise of no modules is refused");
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
}

for (const check of [checkSources, checkPlanted, checkNothing]) {
  try {
    await check();
  } catch (error) {
    console.error(`layers: ${error.message}`);
    process.exitCode = 1;
  }
}
