/** Style as a check: what the linter cannot see, of every text file of the project. Prints each breach and fails if any. */
import { readFileSync, readdirSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { brokenLinks } from "./tidy/links.mjs";
import { root } from "./run.mjs";

const skippedFolders = new Set(["node_modules", ".git", ".dyne", "dist", "coverage", ".interop"]);
const textEnding = /\.(ts|mjs|json|md|yml|yaml)$/;

/** Tables written by others are kept as they are. */
const foreign = /^test\/golden\/fixtures\//;

const limits = [
  { path: /^(shared|local|cli|infra)\/.*\.ts$/, lines: 400 },
  { path: /^functions\/.*\.ts$/, lines: 40 },
];

const kebabCase = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/;
const namedByOthers = /^(README\.md|LICENSE|SPEC\.md|Pulumi(\.[a-z0-9-]+)?\.yaml|package-lock\.json)$/;

/** Forbidden in any text file. Spelled so that this file does not hold them itself. */
const forbidden = [
  { pattern: /\b(TO[D]O|FIX[M]E|XX[X])\b/, why: "finish it, or leave it out" },
  {
    pattern: /https?:\/\/[a-z0-9.-]*(regi[s]try|verd[a]ccio|artif[a]ctory)[a-z0-9.-]*/i,
    why: "no address of a package registry",
  },
  { pattern: /(^|[\s"'`(=:])\/(wo[r]k|ro[o]t|ho[m]e\/[a-z]|Us[e]rs\/[a-z])/, why: "no path of one machine" },
];

/** Forbidden in the engine's sources, beside what the linter forbids. */
const forbiddenInShared = [{ pattern: /new Date\(\)/, why: "time is injected: take a Clock from shared/core" }];
const readsTheSystem = /^shared\/(core\/(clock|random)\.ts$|runtime\/)/;

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!skippedFolders.has(entry.name)) yield* filesBelow(path);
    } else if (entry.isFile()) {
      yield relative(root, path);
    }
  }
}

function* breachesOf(path) {
  const name = basename(path);
  if (!kebabCase.test(name) && !namedByOthers.test(name)) yield "names are kebab-case";
  if (!textEnding.test(path)) return;
  const text = readFileSync(join(root, path), "utf8");
  const lines = text.split("\n");
  const lineCount = text.endsWith("\n") ? lines.length - 1 : lines.length;
  for (const limit of limits) {
    if (limit.path.test(path) && lineCount > limit.lines) yield `${lineCount} lines, at most ${limit.lines}: divide it`;
  }
  const inShared = path.startsWith("shared/") && !readsTheSystem.test(path);
  for (const { pattern, why } of inShared ? [...forbidden, ...forbiddenInShared] : forbidden) {
    const at = lines.findIndex((line) => pattern.test(line));
    if (at >= 0) yield `line ${at + 1}: "${pattern.exec(lines[at])[0].trim()}": ${why}`;
  }
  if (path.endsWith(".md")) yield* brokenLinks(root, path, text);
}

let files = 0;
let breaches = 0;
for (const path of filesBelow(root)) {
  if (foreign.test(path)) continue;
  files++;
  for (const breach of breachesOf(path)) {
    breaches++;
    console.error(`${path}: ${breach}`);
  }
}
console.log(`tidy: ${files} files, ${breaches} breaches`);
if (files === 0 || breaches > 0) process.exitCode = 1;
