import { readdir } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { root, textOf } from "./markdown.ts";

const specPath = "shared/engine/SPEC.md";
const spec = await textOf(specPath);

interface Invariant {
  readonly number: number;
  readonly text: string;
  /** The tests named: file from the root, and name. */
  readonly tests: readonly { readonly file: string; readonly name: string }[];
}

/** A test is named as `[file](link): "name"; "name"`, and any number of names follows a file. */
function testsOf(text: string): Invariant["tests"] {
  return [...text.matchAll(/^- \[[^\]]+\]\(([^)]+)\): ((?:"[^"\n]+"(?:;\s+)?)+)/gm)].flatMap(
    ([, link = "", names = ""]) => {
      const file = normalize(join(dirname(specPath), link));
      return [...names.matchAll(/"([^"\n]+)"/g)].map((match) => ({ file, name: match[1] ?? "" }));
    },
  );
}

const invariants = spec
  .split(/^## /m)
  .slice(1)
  .map((section): Invariant => ({ number: Number.parseInt(section, 10), text: section, tests: testsOf(section) }));

/** Names written as the first argument of a test or a suite, also of a table of them. */
function hasTest(source: string, name: string): boolean {
  const escaped = name.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return new RegExp(String.raw`\(\s*(["'\`])${escaped}\1`).test(source);
}

async function* codeBelow(folder: string): AsyncGenerator<string, void> {
  for (const entry of await readdir(`${root}${folder}`, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && /\.(ts|mjs)$/.test(entry.name) && !path.includes("node_modules"))
      yield path.slice(root.length);
  }
}

describe("the invariants", () => {
  it("are numbered from 1 to 24 without gaps", () => {
    expect(invariants.map(({ number }) => number)).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
  });

  it.for(invariants.map((invariant) => [invariant.number, invariant] as const))(
    "%i names a test that exists, or says that it is not built",
    async ([, { text, tests }]) => {
      expect(tests.length > 0 || text.includes("**Not yet built")).toBe(true);
      const missing: string[] = [];
      for (const { file, name } of tests) if (!hasTest(await textOf(file), name)) missing.push(`${file}: ${name}`);
      expect(missing).toEqual([]);
    },
  );

  it("name all tests in the agreed form", () => {
    const links = [...spec.matchAll(/\]\((\.\.\/\.\.\/test\/[^)]+)\)/g)].map((match) => match[1]);
    const parsed = new Set(invariants.flatMap(({ tests }) => tests.map(({ file }) => file)));
    expect(links.filter((link) => !parsed.has(normalize(join(dirname(specPath), link ?? ""))))).toEqual([]);
  });

  it("that code cites exist", async () => {
    const numbers = new Set(invariants.map(({ number }) => number));
    const wrong: string[] = [];
    let cited = 0;
    for (const folder of ["shared", "functions", "local", "cli", "pipelines", "test"]) {
      for await (const path of codeBelow(folder)) {
        for (const match of (await textOf(path)).matchAll(/SPEC\.md (\d+(?:(?:, | and )\d+)*)/g)) {
          for (const number of (match[1] ?? "").split(/, | and /).map(Number)) {
            cited++;
            if (!numbers.has(number)) wrong.push(`${path}: SPEC.md ${number}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(cited).toBeGreaterThan(20);
  });
});
