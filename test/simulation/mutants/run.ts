/**
 * Breaks the rules of the engine one by one and expects the simulation to notice (mutants.ts says which, and within how many seeds):
 *
 *     npm run test:mutants [-- part of a name, or "rule 3"]
 *
 * Each is made in a copy of the sources; the checkout is not touched. The copy without a mutant must be right. Ends with one plain line,
 * `N passed, N failed, N skipped`.
 */
import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { mutants, type Mutant } from "./mutants.ts";

const root = resolve(import.meta.dirname, "../../..");
/** Copies that are hunted through beside each other. */
const copiesMax = 2;
/** A mutant that is not noticed within this time counts as one that is not noticed. */
const huntMs = 240_000;
/** Schedules that the copy without a mutant has to pass. */
const controlSeeds = 60;

const wanted = process.argv.slice(2).join(" ");
const chosen = mutants.filter((mutant) => titleOf(mutant).includes(wanted));

interface Hunted {
  readonly mutant: Mutant | undefined;
  readonly isRight: boolean;
  readonly said: string;
  readonly seconds: number;
}

function titleOf({ rule, name }: Mutant): string {
  return `rule ${rule}: ${name}`;
}

async function copyOfSources(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dyne-mutant-"));
  for (const path of ["package.json", "shared", "test/support", "test/simulation", "test/oracle"])
    await cp(join(root, path), join(folder, path), { recursive: true });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Applies the mutant; gives back what undoes it. Throws where a text to replace is not there exactly once. */
async function apply(folder: string, { edits }: Mutant): Promise<() => Promise<void>> {
  const originals = new Map<string, string>();
  const changed = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const text = changed.get(file) ?? (await readFile(join(folder, file), "utf8"));
    if (!originals.has(file)) originals.set(file, text);
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${find}`);
    changed.set(file, parts.join(replace));
  }
  for (const [file, text] of changed) await writeFile(join(folder, file), text);
  return async () => {
    for (const [file, text] of originals) await writeFile(join(folder, file), text);
  };
}

function hunt(
  folder: string,
  seedsMax: number,
  shapes: readonly string[],
): Promise<{ code: number | null; said: string }> {
  const args = ["test/simulation/mutants/hunt.ts", "0", String(seedsMax), shapes.join(",")];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], timeout: huntMs });
  let said = "";
  child.stdout.on("data", (text) => (said += String(text)));
  child.stderr.on("data", (text) => (said += String(text)));
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, said }));
  });
}

async function hunted(folder: string, mutant: Mutant | undefined): Promise<Hunted> {
  const startedMs = performance.now();
  const ended = (isRight: boolean, said: string): Hunted => ({
    mutant,
    isRight,
    said: said.trim(),
    seconds: (performance.now() - startedMs) / 1_000,
  });
  try {
    const undo = mutant === undefined ? undefined : await apply(folder, mutant);
    const { code, said } = await hunt(folder, mutant?.seedsMax ?? controlSeeds, mutant?.shapes ?? []);
    await undo?.();
    if (mutant === undefined) return ended(code === 0, said);
    return ended(code === 42 || code === 13, said);
  } catch (error) {
    return ended(false, String(error));
  }
}

function report({ mutant, isRight, said, seconds }: Hunted): void {
  const title = mutant === undefined ? "without a mutant" : titleOf(mutant);
  const mark = isRight ? "✓" : "×";
  const lines = said.split("\n").filter((line) => !line.startsWith("again with"));
  console.log(
    `${mark} ${title}, ${seconds.toFixed(0)} s\n    ${(isRight ? lines.slice(0, 1) : lines).join("\n    ").slice(0, isRight ? 160 : 4_000)}`,
  );
}

const queue: (Mutant | undefined)[] = [undefined, ...chosen];
let passed = 0;
let failed = 0;
async function work(): Promise<void> {
  const folder = await copyOfSources();
  try {
    while (queue.length > 0) {
      const result = await hunted(folder, queue.shift());
      report(result);
      if (result.isRight) passed++;
      else failed++;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
await Promise.all(Array.from({ length: Math.min(copiesMax, availableParallelism()) }, work));
process.exitCode = failed === 0 && chosen.length > 0 ? 0 : 1;
console.log(`\n${passed} passed, ${failed} failed, ${mutants.length - chosen.length} skipped`);
