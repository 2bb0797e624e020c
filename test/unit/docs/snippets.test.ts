import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { codeBlocks, root, textOf } from "./markdown.ts";

const run = promisify(execFile);
const documents = [
  "README.md",
  "docs/writing-pipelines.md",
  "docs/first-pipeline.md",
  "docs/local-development.md",
  "docs/delta.md",
  "docs/testing-pipelines.md",
];
/** Programs that print. */
const programs = ["docs/delta.md", "docs/testing-pipelines.md"];

/** The TypeScript of a document as one module of `pipelines/`: later blocks use what earlier ones declare. */
async function moduleOf(document: string): Promise<string> {
  return codeBlocks(await textOf(document), "ts").join("\n");
}

/** Puts a module into a `pipelines/` beside the checkout's sources and packages, and hands its folder over. */
async function inPipelines(source: string, use: (folder: string) => Promise<unknown>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dyne-snippet-"));
  try {
    for (const name of ["shared", "node_modules"]) await symlink(`${root}${name}`, join(folder, name));
    await copyFile(`${root}package.json`, join(folder, "package.json"));
    await mkdir(join(folder, "pipelines"));
    await writeFile(join(folder, "pipelines/snippet.ts"), source);
    await copyFile(`${root}pipelines/flights.ts`, join(folder, "pipelines/flights.ts"));
    // A document declares more than it uses again.
    const tsconfig = {
      extends: `${root}tsconfig.json`,
      compilerOptions: { noUnusedLocals: false },
      // Declarations of modules that come without any are not imported, and have to be named.
      include: ["pipelines", `${root}shared/**/*.d.ts`],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const compile = (folder: string) =>
  run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", folder]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });

it.for(documents)("the TypeScript of %s compiles", { timeout: 60_000 }, async (document) => {
  const source = await moduleOf(document);
  expect(source).not.toBe("");
  await inPipelines(source, compile);
});

it.for(documents.slice(0, 3))("the pipelines of %s load", { timeout: 60_000 }, async (document) => {
  const source = await moduleOf(document);
  expect(source).toContain("definePipeline(");
  await inPipelines(source, (folder) => run(process.execPath, [join(folder, "pipelines/snippet.ts")]));
});

it.for(programs)("the program of %s prints what the page says", { timeout: 60_000 }, async (document) => {
  const source = await moduleOf(document);
  const said = [...source.matchAll(/^.*\bconsole\.log\(.*?(?: \/\/ → (.*))?$/gm)].map(([, printed]) => printed);
  expect(said.length).toBeGreaterThan(3);
  await inPipelines(source, async (folder) => {
    const { stdout } = await run(process.execPath, [join(folder, "pipelines/snippet.ts")], { cwd: folder });
    expect(stdout.trimEnd().split("\n")).toEqual(said);
  });
});

it("a snippet with a wrong column does not compile", { timeout: 60_000 }, async () => {
  const source = await moduleOf("README.md");
  const wrong = source.replace("({ flight_id, state,", "({ flight_idd, state,");
  expect(wrong).not.toBe(source);
  await expect(inPipelines(wrong, compile)).rejects.toThrow("flight_idd");
});
