import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeBlocks, root } from "../unit/docs/markdown.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);
const packageProgram = fileURLToPath(new URL("../../tools/package.mjs", import.meta.url));
const compiler = join(root, "node_modules/typescript/bin/tsc");
/** The tools are plain JavaScript without types, so that they are loaded by address. */
const { runNpm } = await import(pathToFileURL(join(root, "tools/launch/packages.mjs")).href);

/** Creates, writes, merges, reads, travels in time and reads changes; prints what it saw. */
const javaScript = `
import { DeltaLake, isDyneError, localFolder, long, string, struct } from "dyne/delta";

await using lake = await DeltaLake.open({ store: localFolder("javascript"), memoryLimitMb: 256, threads: 1 });
const schema = struct({ id: long(), name: string() });
const properties = { "delta.enableChangeDataFeed": "true", "delta.enableDeletionVectors": "true" };
const people = await lake.create("people", { schema, properties });
await people.append([{ id: 1, name: "Ada" }, { id: 2, name: "Alan" }]);
const merge = await people.merge([{ id: 2, name: "Alan T." }, { id: 3, name: "Grace" }], ({ target, source }) => target.id.eq(source.id));
const outcome = await merge.whenMatchedUpdate().whenNotMatchedInsert().execute();
if (outcome.kind !== "committed") throw new Error(outcome.kind);
const { version } = outcome;
const problem = await people.append([{ idd: 1 }]).catch((error) => (isDyneError(error) ? error.code : error));
const changes = await Array.fromAsync(people.changes({ from: version }));
const byId = (rows) => rows.map(({ id, name }) => Number(id) + " " + name).sort();
console.log(JSON.stringify({
  version,
  problem,
  now: byId(await people.rows({ where: ({ id }) => id.gt(1) })),
  before: byId(await people.rows({ version: 1 })),
  changes: changes.map(({ _change_type, name }) => _change_type + " " + name).sort(),
}));
`;

const seen = {
  version: 2,
  problem: "SCHEMA_MISMATCH",
  now: ["2 Alan T.", "3 Grace"],
  before: ["1 Ada", "2 Alan"],
  changes: ["insert Grace", "update_postimage Alan T.", "update_preimage Alan"],
};

/** A pipeline, from the other face. */
const pipeline = `
import { count, definePipeline, eventHub, materializedView, read, streamingTable } from "dyne";

const bronze = streamingTable("bronze.events", { from: eventHub("events"), partitionBy: ["ingestion_date"] });
const daily = materializedView("gold.daily", {
  query: read(bronze).groupBy("ingestion_date").agg(() => ({ events: count() })),
});
console.log(definePipeline("events", [bronze, daily]).flows.map(({ output }) => output.name).join(" "));
`;

/** A pipeline and a test of it, which needs no framework. */
const tested = `
import { count, definePipeline, eventHub, files, long, materializedView, read, streamingTable, string, struct, sum } from "dyne";
import { addData, advanceTime, appendData, checkAnswer, checkEqualsQuery, checkStrategy, crash, deleteData, PipelineTest, processAllAvailable, restart } from "dyne/testing";

const events = streamingTable("bronze.events", { from: eventHub("events") });
const sales = streamingTable("bronze.sales", {
  from: files("landing/sales/**.csv", { format: "csv", schema: struct({ shop: string(), amount: long() }) }),
});
const perShop = materializedView("gold.per_shop", {
  query: read(sales).groupBy("shop").agg(({ amount }) => ({ sales: count(), amount: sum(amount) })),
});

await using test = await PipelineTest.open(definePipeline("sales", [events, sales, perShop]));
await test.run([
  addData(events, [{ id: 1 }, "text"], { partition: "1" }),
  addData(sales, [{ shop: "a", amount: 1 }, { shop: "b", amount: 2n }]),
  processAllAvailable(),
  checkAnswer(events, [{ event_data: '{"id":1}' }, { event_data: "text" }]),
  advanceTime("10 minutes"),
  appendData(sales, [{ shop: "a", amount: 4 }]),
  deleteData(sales, ({ shop }) => shop.eq("b")),
  crash({ at: "outcome" }),
  processAllAvailable(),
  restart(),
  processAllAvailable(),
  checkEqualsQuery(),
  checkStrategy(perShop, "merge-partials"),
  checkAnswer(perShop, [{ shop: "a", sales: 2, amount: 5 }]),
]);
const failed = await test.run([checkAnswer(perShop, [{ shop: "a", sales: 3, amount: 5 }])]).catch((error) => error);
console.log(failed.name + ": " + failed.message.split("\\n").slice(2, 5).join("|"));
`;

describe("the package, installed in an empty project", () => {
  let away: Awaited<ReturnType<typeof temporaryFolder>>;
  let project: string;
  let offline: string | undefined;
  const write = (name: string, text: string) => writeFile(join(project, name), text);
  const node = (...args: readonly string[]) => run(process.execPath, args, { cwd: project });
  const pack = async (folder: string): Promise<{ readonly archive: string; readonly files: number }> =>
    JSON.parse((await run(process.execPath, [packageProgram, "--out", join(away.path, folder), "--json"])).stdout);
  /** Types are checked as strictly as can be, those of the package and of all that it needs with them. */
  const compile = async (source: string) => {
    await write("checked.ts", source);
    await write(
      "tsconfig.json",
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noUncheckedIndexedAccess: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true,
          target: "esnext",
          module: "nodenext",
          moduleResolution: "nodenext",
          types: ["node"],
          typeRoots: [join(root, "node_modules/@types")],
        },
        files: ["checked.ts"],
      }),
    );
    await node(compiler, "-p", ".").catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  };

  beforeAll(async () => {
    away = await temporaryFolder();
    project = away.path;
    const { archive } = await pack("packed");
    await write("package.json", JSON.stringify({ name: "program", private: true, type: "module" }));
    try {
      await runNpm(
        process.execPath,
        ["install", "--prefer-offline", "--ignore-scripts", archive],
        project,
        "installing",
      );
    } catch (error) {
      if (process.env["CI"] === "true" || !String(error).includes("registry cannot be reached")) throw error;
      offline = "no package registry can be reached: the package is not installed";
    }
  }, 120_000);
  afterAll(async () => away?.[Symbol.asyncDispose]());

  it("is the same, byte for byte, when it is made again", { timeout: 60_000 }, async () => {
    const again = await pack("again");
    const [first, second] = await Promise.all(
      ["packed", "again"].map((folder) => readFile(join(away.path, folder, again.archive.split("/").at(-1)!))),
    );
    expect(second!.equals(first!)).toBe(true);
  });

  it("holds what the faces need, and nothing of tests, command, platform and infrastructure", async () => {
    const folder = join(away.path, "packed/package");
    expect((await readdir(folder)).toSorted()).toEqual(["LICENSE", "README.md", "lib", "package.json"]);
    expect((await readdir(join(folder, "lib"))).toSorted()).toEqual([
      "checkpoint",
      "compute",
      "core",
      "delta",
      "engine",
      "pipeline",
      "plan",
      "sources",
      "storage",
      "table",
      "testing",
    ]);
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const foreign = files.filter(
      (entry) => entry.isFile() && !/^(LICENSE|README\.md|package\.json|.*\.js|.*\.d\.ts)$/.test(entry.name),
    );
    expect(foreign.map(({ name }) => name)).toEqual([]);
    const own = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const {
      dependencies,
      private: isPrivate,
      ...manifest
    } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    expect(manifest).toMatchObject({
      name: "dyne",
      version: own.version,
      license: "MIT",
      type: "module",
      engines: own.engines,
    });
    expect(isPrivate).toBeUndefined();
    expect(Object.keys(dependencies)).toEqual([
      "@azure/storage-blob",
      "@duckdb/node-api",
      "roaring-wasm",
      "uuid",
      "zod",
    ]);
    for (const [name, version] of Object.entries(dependencies)) expect(own.dependencies[name]).toBe(version);
  });

  it("lets a JavaScript program write, merge and read tables", { timeout: 60_000 }, async ({ skip }) => {
    skip(offline !== undefined, offline);
    await write("program.js", javaScript);
    expect(JSON.parse((await node("program.js")).stdout)).toEqual(seen);
  });

  it("lets a TypeScript program do so, checked strictly", { timeout: 60_000 }, async ({ skip }) => {
    skip(offline !== undefined, offline);
    const typed = javaScript
      .replace("(rows) =>", "(rows: readonly { readonly id: bigint | null; readonly name: string | null }[]) =>")
      .replace("[{ idd: 1 }]", "[{ idd: 1 } as unknown as { id: number }]");
    await compile(typed);
    await write("typed.ts", typed.replace('"javascript"', '"typescript"'));
    expect(JSON.parse((await node("typed.ts")).stdout)).toEqual(seen);
  });

  it("shows a program in its README that compiles and runs", { timeout: 60_000 }, async ({ skip }) => {
    skip(offline !== undefined, offline);
    const [program = ""] = codeBlocks(await readFile(join(project, "node_modules/dyne/README.md"), "utf8"), "ts");
    await compile(program);
    const { stdout } = await node("checked.ts");
    expect(stdout).toContain("update_postimage");
  });

  it("does not let a wrong column or a value of a wrong type compile", { timeout: 60_000 }, async ({ skip }) => {
    skip(offline !== undefined, offline);
    const table = `import { DeltaLake, localFolder, long, string, struct } from "dyne/delta";
await using lake = await DeltaLake.open({ store: localFolder("data") });
const people = await lake.create("people", { schema: struct({ id: long(), name: string() }) });
`;
    await compile(`${table}export const rows = await people.rows({ where: ({ id }) => id.gt(1), select: ["name"] });`);
    const wrongs = [
      ["people.rows({ where: ({ idd }) => idd.gt(1) })", "Property 'idd' does not exist"],
      ['people.rows({ select: ["nam"] })', "Type '\"nam\"' is not assignable"],
      ['people.append([{ id: "1" }])', "Type 'string' is not assignable"],
      ['people.update(({ id }) => ({ id: id.plus("1") }))', "Argument of type 'string' is not assignable"],
    ] as const;
    const lines = wrongs.map(([expression], index) => `export const wrong${index} = await ${expression};\n`);
    const problem: unknown = await compile(table + lines.join("")).catch((error: unknown) => error);
    const told = String(problem)
      .split("\n")
      .filter((line) => line.includes("error TS"));
    expect(told).toEqual(wrongs.map(([, says]) => expect.stringContaining(says)));
  });

  it("lets a pipeline be written", { timeout: 60_000 }, async ({ skip }) => {
    skip(offline !== undefined, offline);
    await compile(pipeline);
    expect((await node("checked.ts")).stdout).toBe("bronze.events gold.daily\n");
  });

  it("lets a pipeline be tested, from JavaScript and from TypeScript", { timeout: 60_000 }, async ({ skip }) => {
    skip(offline !== undefined, offline);
    const said = "AssertionError:     shop  sales  amount|  + a         2       5|  - a         3       5\n";
    await write("tested.js", tested);
    expect((await node("tested.js")).stdout).toBe(said);
    await compile(tested);
    expect((await node("checked.ts")).stdout).toBe(said);
    const wrong = tested.replace('{ shop: "a", sales: 2, amount: 5 }', '{ shop: "a", sale: 2, amount: 5 }');
    await expect(compile(wrong)).rejects.toThrow("'sale' does not exist in type");
  });

  it("refuses a way around its faces", async ({ skip }) => {
    skip(offline !== undefined, offline);
    await write("around.js", 'import "dyne/lib/core/index.js";');
    await expect(node("around.js")).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});
