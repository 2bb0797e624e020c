import { createHash } from "node:crypto";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { entriesOf } from "../../support/zip-entries.ts";

/** The build is plain JavaScript without types, so it is loaded by address. */
const load = (name: string) =>
  import(pathToFileURL(join(import.meta.dirname, "../../../tools/build", `${name}.mjs`)).href);
const { buildApp } = await load("app");
const { bundleFunctions } = await load("bundle");
const { findNative } = await load("native");
const { appBytesMax, checkSize } = await load("size");

const chooser = "node_modules/@duckdb/node-bindings";
const library = `${chooser}-linux-x64`;
const locked = { version: "1.2.3", integrity: "sha512-of-the-package" };

/** A checkout in small: two functions that share a module, and the packages that the build looks for. */
const checkout = {
  "package.json": JSON.stringify({ name: "small", version: "0.1.0", license: "MIT", dependencies: { left: "1.0.0" } }),
  "package-lock.json": JSON.stringify({ packages: { "": {}, [chooser]: locked, [library]: locked } }),
  ".npmrc": "audit=false\n",
  "host.json": '{"version":"2.0"}\n',
  "functions/one.ts": 'import { visit } from "../shared/visits.ts";\nconsole.log("one", visit());\n',
  "functions/two.ts": 'import { visit } from "../shared/visits.ts";\nconsole.log("two", visit());\n',
  "shared/visits.ts":
    'import { pad } from "left";\nlet visits = 0;\nexport const visit = (): string => pad(++visits);\n',
  "shared/secret.test.ts": 'throw new Error("nobody imports it");\n',
  "node_modules/left/package.json": '{"name":"left","version":"1.0.0","license":"ISC","main":"index.js"}',
  "node_modules/left/index.js": "exports.pad = (n) => require('os').EOL + n;\n",
  "node_modules/left/LICENSE": "Left may be used.\r\n",
  [`${chooser}/package.json`]: '{"name":"@duckdb/node-bindings","version":"1.2.3"}',
  [`${chooser}/duckdb.js`]: "// chooses\n",
  [`${chooser}/duckdb.d.ts`]: "// types\n",
  [`${library}/package.json`]: '{"name":"@duckdb/node-bindings-linux-x64","version":"1.2.3"}',
  [`${library}/duckdb.node`]: "native",
  [`${library}/libduckdb.so`]: "database",
  [`${library}/README.md`]: "# words\n",
};

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dyne-build-"));
  root = join(folder, "checkout");
  write(root, checkout);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(to: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), text);
  }
}
const filesBelow = (at: string): string[] =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(at.length + 1))
    .toSorted();

describe("the built app", () => {
  it("holds what runs in Azure and nothing else", async () => {
    const out = join(folder, "out");
    const { files, bytes } = await buildApp({ root, out });
    const chunk = filesBelow(out).find((path) => path.startsWith("chunks/"));
    expect(filesBelow(out)).toEqual(
      [
        "THIRD-PARTY-NOTICES.txt",
        `${chunk}`,
        "functions/one.js",
        "functions/two.js",
        "host.json",
        `${chooser}/duckdb.js`,
        `${chooser}/package.json`,
        `${library}/duckdb.node`,
        `${library}/libduckdb.so`,
        `${library}/package.json`,
        "package.json",
      ].toSorted(),
    );
    expect(JSON.parse(readFileSync(join(out, "package.json"), "utf8"))).toEqual({
      name: "small",
      version: "0.1.0",
      private: true,
      license: "MIT",
      type: "module",
      main: "functions/*.js",
    });
    expect(bytes).toBe(filesBelow(out).reduce((sum, path) => sum + statSync(join(out, path)).size, 0));
    expect(files).toHaveLength(11);
  });

  it("is the same, byte for byte, wherever it is built from the same sources", async () => {
    const elsewhere = join(folder, "another/checkout");
    write(elsewhere, checkout);
    const one = await buildApp({ root, out: join(folder, "one"), maps: join(folder, "maps") });
    const two = await buildApp({ root: elsewhere, out: join(folder, "two") });
    expect(two).toEqual(one);
    for (const path of filesBelow(join(folder, "one"))) {
      const [a, b] = ["one", "two"].map((name) => join(folder, name, path));
      expect(readFileSync(a ?? "").equals(readFileSync(b ?? ""))).toBe(true);
      expect(statSync(a ?? "").mtimeMs).toBe(statSync(b ?? "").mtimeMs);
    }
    write(elsewhere, { "shared/visits.ts": `${checkout["shared/visits.ts"]}export const other = 1;\nvisit();\n` });
    expect((await buildApp({ root: elsewhere, out: join(folder, "two") })).sha256).not.toBe(one.sha256);
  });

  it("packs into the same zip, byte for byte, from the same sources in any folder, time zone and umask", async () => {
    const elsewhere = join(folder, "another/checkout");
    write(elsewhere, checkout);
    const build = (at: string, name: string, timeZone: string) => {
      const options = { root: at, out: join(folder, name), zip: join(folder, `${name}.zip`) };
      const program = `process.umask(0o077);
import { buildApp } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../../tools/build/app.mjs")).href)};
console.log(JSON.stringify((await buildApp(${JSON.stringify(options)})).zip));`;
      const env = { ...process.env, TZ: timeZone };
      const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { env });
      return JSON.parse(said.toString()) as { readonly bytes: number; readonly sha256: string };
    };
    const one = await buildApp({ root, out: join(folder, "one"), zip: join(folder, "one.zip") });
    const [zip, other] = ["one.zip", "two.zip"].map((name) => join(folder, name)) as [string, string];
    expect(build(elsewhere, "two", "Asia/Tokyo")).toEqual(one.zip);
    expect(readFileSync(other).equals(readFileSync(zip))).toBe(true);
    expect(statSync(zip).size).toBe(one.zip.bytes);
    expect(createHash("sha256").update(readFileSync(zip)).digest("hex")).toBe(one.zip.sha256);

    const entries = await entriesOf(zip);
    expect(entries.map(({ path }) => path)).toEqual(filesBelow(join(folder, "one")).toSorted());
    expect(new Set(entries.map(({ mode }) => mode))).toEqual(new Set([0o100644]));
    for (const { path, contents } of entries) expect(contents).toEqual(readFileSync(join(folder, "one", path)));
    write(elsewhere, { "host.json": '{"version":"2.1"}\n' });
    expect(build(elsewhere, "two", "UTC").sha256).not.toBe(one.zip.sha256);
  });

  it("leaves an earlier zip as it was where the build fails", async () => {
    const zip = join(folder, "out.zip");
    writeFileSync(zip, "earlier");
    rmSync(join(root, "host.json"));
    await expect(buildApp({ root, out: join(folder, "out"), zip })).rejects.toThrow("host.json");
    expect(readFileSync(zip, "utf8")).toBe("earlier");
    expect(readdirSync(folder).toSorted()).toEqual(["checkout", "out.zip"]);
  });

  it("has maps of its bundles only where they are asked for, and beside it", async () => {
    await buildApp({ root, out: join(folder, "out"), maps: join(folder, "maps") });
    const bundles = filesBelow(join(folder, "out")).filter((path) => /^(functions|chunks)\//.test(path));
    expect(filesBelow(join(folder, "maps"))).toEqual(bundles.map((path) => `${path}.map`));
  });

  it("loads what functions share once, with what CommonJS expects", async () => {
    const out = join(folder, "out");
    await buildApp({ root, out });
    const said: unknown[][] = [];
    const { log } = console;
    console.log = (...words) => void said.push(words);
    try {
      for (const name of ["one", "two"]) await import(pathToFileURL(join(out, `functions/${name}.js`)).href);
    } finally {
      console.log = log;
    }
    expect(said).toEqual([
      ["one", "\n1"],
      ["two", "\n2"],
    ]);
  });

  it("runs libraries that make up for what ESM lacks themselves", async () => {
    write(root, {
      "functions/one.ts": 'import "made-up";\nimport "../shared/visits.ts";\n',
      "functions/two.ts": 'import "made-up";\n',
      "node_modules/made-up/package.json": '{"name":"made-up","version":"1.0.0","type":"module","main":"index.js"}',
      "node_modules/made-up/index.js":
        'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);\nconst __filename = "mine", __dirname = "mine";\nif (require("node:path").join(__dirname, __filename) !== "mine/mine") throw new Error("mixed up");\n',
      "node_modules/left/index.js": 'exports.pad = () => __filename.startsWith(__dirname) && require("os").EOL;\n',
    });
    const out = join(folder, "out");
    await buildApp({ root, out });
    for (const name of ["one", "two"]) await import(pathToFileURL(join(out, `functions/${name}.js`)).href);
  });

  it("does not make Node load its WebSocket client, which an import of node:http does", async () => {
    write(root, {
      "functions/one.ts":
        'import http, { STATUS_CODES } from "node:http";\nimport * as all from "http";\nif (http.STATUS_CODES !== STATUS_CODES || all.STATUS_CODES !== STATUS_CODES) throw new Error("mixed up");\n',
    });
    const out = join(folder, "out");
    await buildApp({ root, out });
    const source = `await import(${JSON.stringify(pathToFileURL(join(out, "functions/one.js")).href)});
      console.log(process.moduleLoadList.filter((name) => name.includes("undici")).length);`;
    expect(execFileSync(process.execPath, ["--input-type=module", "--eval", source], { encoding: "utf8" })).toBe("0\n");
  });

  it("brings the license of every bundled package, and names one that has no text", async () => {
    const out = join(folder, "out");
    const notices = () => readFileSync(join(out, "THIRD-PARTY-NOTICES.txt"), "utf8");
    await buildApp({ root, out });
    expect(notices()).toMatch(/^left 1\.0\.0 \(ISC\)\n=+\n\nLeft may be used\.\n/m);
    rmSync(join(root, "node_modules/left/LICENSE"));
    await buildApp({ root, out });
    expect(notices()).toMatch(/^left 1\.0\.0 \(ISC\)\n=+\n\nIt comes without a text of its license\.\n/m);
  });

  it("replaces an earlier build as a whole, and a failed build leaves it as it was", async () => {
    const out = join(folder, "out");
    await buildApp({ root, out });
    rmSync(join(root, "functions/two.ts"));
    await buildApp({ root, out });
    expect(readdirSync(join(out, "functions"))).toEqual(["one.js"]);
    const before = filesBelow(out);
    write(root, { "functions/three.ts": 'import "../shared/not-there.ts";\n' });
    await expect(buildApp({ root, out })).rejects.toThrow(/cannot be bundled[\s\S]*functions\/three\.ts/);
    expect(filesBelow(out)).toEqual(before);
    expect(readdirSync(folder).toSorted()).toEqual(["checkout", "out"]);
  });

  it("does not replace what is no build", async () => {
    const app = { "host.json": "{}", "package.json": "{}", "functions/mine.js": "" };
    write(join(folder, "mine"), app);
    for (const out of [root, join(root, "host.json"), join(folder, "mine")]) {
      await expect(buildApp({ root, out })).rejects.toThrow("is no earlier build");
    }
    expect(filesBelow(root)).toEqual(Object.keys(checkout).toSorted());
    expect(filesBelow(join(folder, "mine"))).toEqual(Object.keys(app).toSorted());
  });

  it("is refused before anything is made where its zip or its maps would go with the folder that is replaced, or are something else", async () => {
    const out = join(folder, "out");
    await buildApp({ root, out });
    rmSync(join(root, "functions/two.ts"));
    write(folder, { "there.txt": "mine", "full/file.txt": "mine" });
    symlinkSync(out, join(folder, "link"));
    const before = filesBelow(folder);
    const refused = [
      { zip: join(out, "app.zip"), says: "would be gone at the end" },
      { zip: join(out, "new/app.zip"), says: "would be gone at the end" },
      { zip: join(folder, "link/app.zip"), says: "would be gone at the end" },
      { zip: out, says: "would be gone at the end" },
      { zip: join(folder, "full"), says: "is there and is no file" },
      { zip: join(folder, "there.txt/app.zip"), says: "cannot be made" },
      { maps: join(out, "maps"), says: "would be gone at the end" },
      { maps: join(folder, "there.txt"), says: "is there and no folder" },
    ];
    const steps: string[] = [];
    const say = (step: string) => void steps.push(step);
    for (const { says, ...targets } of refused)
      await expect(buildApp({ root, out, say, ...targets }), JSON.stringify(targets)).rejects.toThrow(says);
    expect(steps).toEqual([]);
    expect(filesBelow(folder)).toEqual(before);
    // Names that only begin like the folder are none of its own.
    await buildApp({ root, out, zip: join(folder, "out.zip"), maps: join(folder, "..out/maps") });
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(["..out", "out.zip"]));
  });

  it("has no place for an empty path", () => {
    const command = join(import.meta.dirname, "../../../tools/build.mjs");
    for (const option of ["--zip", "--out", "--maps"]) {
      const { status, stderr } = spawnSync(process.execPath, [command, option, ""], { encoding: "utf8" });
      expect([status, stderr]).toEqual([1, expect.stringMatching(`^dyne: Option '${option}' has an empty path`)]);
    }
  });

  it("is told of an option that there is not in whole sentences", () => {
    const command = join(import.meta.dirname, "../../../tools/build.mjs");
    const { stderr } = spawnSync(process.execPath, [command, "more"], { encoding: "utf8" });
    expect(stderr).toMatch(/^dyne: Unexpected argument 'more'\..*\. What there is, is told by/);
  });

  it("is given up between two steps when somebody asks for the end", async () => {
    const stop = new AbortController();
    const out = join(folder, "out");
    const say = () => stop.abort(new Error("asked"));
    await expect(buildApp({ root, out, say, signal: stop.signal })).rejects.toThrow("asked");
    expect(readdirSync(folder)).toEqual(["checkout"]);
  });
});

describe("bundling", () => {
  it("refuses a library that is not there, where a package only tries to load it", async () => {
    write(root, { "node_modules/left/index.js": "try { require('missing-one'); } catch {}\nexports.pad = String;\n" });
    await expect(bundleFunctions(root)).rejects.toThrow('"missing-one" is neither installed nor part of Node.js');
  });

  it("refuses an app without functions", async () => {
    for (const name of ["one", "two"]) rmSync(join(root, `functions/${name}.ts`));
    await expect(bundleFunctions(root)).rejects.toThrow("functions/ holds no file");
  });
});

describe("DuckDB for the platform of the app", () => {
  const inCache = (name: string) => expect.stringMatching(new RegExp(`/node_modules/\\.cache/dyne/[^/]+/${name}$`));
  /** Brings the package as npm would, and counts. */
  function registry(files: Readonly<Record<string, string>> = {}) {
    const asked: unknown[] = [];
    const fetch = async (_root: string, to: string, name: string, entry: unknown) => {
      asked.push([name, entry]);
      write(join(to, "node_modules", name), files);
    };
    return { asked, fetch };
  }
  const complete = { "package.json": '{"version":"1.2.3"}', "duckdb.node": "native", "libduckdb.so": "database" };

  it("is the installed one where it fits", async () => {
    const { asked, fetch } = registry();
    expect([...(await findNative(root, fetch)).values()]).toEqual([join(root, chooser), join(root, library)]);
    expect(asked).toEqual([]);
  });

  it("is fetched once, by the lockfile, where this machine has another or an older one", async () => {
    write(root, { [`${library}/package.json`]: '{"version":"1.2.2"}' });
    const { asked, fetch } = registry(complete);
    for (let builds = 0; builds < 2; builds++) {
      const found = await findNative(root, fetch);
      expect([...found.values()]).toEqual([join(root, chooser), inCache(library)]);
    }
    expect(asked).toEqual([["@duckdb/node-bindings-linux-x64", locked]]);
  });

  it("is missed with the command that tells why, and asked for again by the next build", async () => {
    rmSync(join(root, library), { recursive: true });
    const nothing = registry();
    await expect(findNative(root, nothing.fetch)).rejects.toThrow(
      "npm brought no @duckdb/node-bindings-linux-x64 1.2.3",
    );
    const { asked, fetch } = registry(complete);
    await findNative(root, fetch);
    expect(asked).toHaveLength(1);
  });

  const broken = [
    { what: "is not locked", files: { "package-lock.json": '{"packages":{}}' }, says: "package-lock.json lacks" },
    {
      what: "has another version than the lockfile's",
      files: { [`${chooser}/package.json`]: '{"version":"1.2.2"}' },
      says: "has version 1.2.2, and package-lock.json names 1.2.3",
    },
  ];
  it.for(broken)("is refused where it $what", async ({ files, says }) => {
    write(root, files);
    await expect(findNative(root, registry().fetch)).rejects.toThrow(says);
  });

  it("is refused where a file of it is missing", async () => {
    rmSync(join(root, library, "libduckdb.so"));
    await expect(findNative(root, registry().fetch)).rejects.toThrow("lacks libduckdb.so");
  });
});

describe("the size of an app", () => {
  const files = Array.from({ length: 9 }, (_, index) => ({ path: `chunks/${index}.js`, bytes: 10_000_000 - index }));

  it("may be as large as the limit", () => {
    expect(() => checkSize([{ path: "all", bytes: appBytesMax }])).not.toThrow();
  });

  it("is refused above the limit, and the largest files are named, largest first", () => {
    expect(() => checkSize([{ path: "one-more.js", bytes: 50_000_000 }, ...files])).toThrow(
      "The app has 140.0 MB, and at most 90.0 MB are allowed. Its largest files:\n   50.0 MB  one-more.js\n   10.0 MB  chunks/0.js\n   10.0 MB  chunks/1.js\n   10.0 MB  chunks/2.js\n   10.0 MB  chunks/3.js",
    );
  });
});
