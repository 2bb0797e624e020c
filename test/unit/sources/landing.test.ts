import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../shared/core/index.ts";
import { fetchLanded, globMatches, globPrefix, landedOf, listLanded } from "../../../shared/sources/index.ts";
import { FileStore, MemoryStore } from "../../../shared/storage/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { InstantClock } from "../../support/instant-clock.ts";

describe("a glob", () => {
  test.each([
    ["landing/a/**.csv", "landing/a/x.csv", true],
    ["landing/a/**.csv", "landing/a/b/c/x.csv", true],
    ["landing/a/**.csv", "landing/a/x.csv.gz", false],
    ["landing/a/**.csv", "landing/ab/x.csv", false],
    ["landing/a/*.csv", "landing/a/x.csv", true],
    ["landing/a/*.csv", "landing/a/b/x.csv", false],
    ["landing/a/*.csv", "landing/a/.csv", true],
    ["landing/a/**/x.csv", "landing/a/x.csv", true],
    ["landing/a/**/x.csv", "landing/a/b/c/x.csv", true],
    ["landing/a/**/x.csv", "landing/a/b/yx.csv", false],
    ["landing/a/?.csv", "landing/a/é.csv", true],
    ["landing/a/?.csv", "landing/a//.csv", false],
    ["landing/a/?.csv", "landing/a/xy.csv", false],
    ["landing/a/**", "landing/a/b/anything at all", true],
    ["landing/a/**", "landing/a/", true],
    ["landing/a.b/(x)+[y]$^{z}|w.csv", "landing/a.b/(x)+[y]$^{z}|w.csv", true],
    ["landing/a.b/x.csv", "landing/aXb/x.csv", false],
    ["landing/a\\d/x", "landing/a7/x", false],
    ["landing/a/*.csv", "xlanding/a/x.csv", false],
    ["landing/a/**.csv", "landing/a/line\nbreak.csv", true],
    ["landing/a/*.csv", "landing/a/x.CSV", false],
  ])("%s and %s: %s", (glob, path, expected) => {
    expect(globMatches(glob, path)).toBe(expected);
  });

  const name = fc.string({
    unit: fc.constantFrom("a", "b", ".", "(", "+", "[", "$", "\\", "^", "|", "é"),
    minLength: 1,
    maxLength: 5,
  });
  const folders = fc.array(name, { maxLength: 3 });

  test("without wildcards matches itself and nothing else", () => {
    fc.assert(
      fc.property(name, name, (glob, path) => {
        expect(globMatches(`landing/${glob}`, `landing/${path}`)).toBe(glob === path);
      }),
    );
  });

  test("with ** matches at any depth, with * in its own folder only", () => {
    fc.assert(
      fc.property(folders, name, (below, file) => {
        const path = ["landing", "x", ...below, `${file}.csv`].join("/");
        expect(globMatches("landing/x/**.csv", path)).toBe(true);
        expect(globMatches("landing/x/**/*.csv", path)).toBe(true);
        expect(globMatches("landing/x/*.csv", path)).toBe(below.length === 0);
        expect(globMatches(`landing/x/**/${file}.csv`, path)).toBe(true);
      }),
    );
  });

  test("lies below its prefix, which has no wildcard and ends with a slash unless the glob is a path", () => {
    const part = fc.oneof(name, fc.constantFrom("*", "**", "?", "x*y"));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), folders, name, (parts, below, file) => {
        const glob = `landing/${parts.join("/")}`;
        const prefix = globPrefix(glob);
        expect(prefix).not.toMatch(/[*?]/);
        expect(glob.startsWith(prefix)).toBe(true);
        expect(prefix === glob || prefix.endsWith("/")).toBe(true);
        for (const path of [glob.replaceAll("*", file).replaceAll("?", "a"), ["landing", ...below, file].join("/")]) {
          if (globMatches(glob, path)) expect(path.startsWith(prefix), `${path} below ${prefix}`).toBe(true);
        }
      }),
    );
  });

  test.each([
    ["landing/airports/**.csv", "landing/airports/"],
    ["landing/a/b*.csv", "landing/a/"],
    ["landing/a/x.csv", "landing/a/x.csv"],
    ["landing/*/x.csv", "landing/"],
  ])("%s is listed from %s", (glob, prefix) => {
    expect(globPrefix(glob)).toBe(prefix);
  });
});

describe("landed files", () => {
  let clock: InstantClock;
  let store: MemoryStore;
  let folder: string;
  beforeEach(async () => {
    clock = new InstantClock(1_700_000_000_000);
    store = new MemoryStore({ clock, random: seededRandom(1) });
    folder = await mkdtemp(join(tmpdir(), "dyne-landed-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const land = (path: string, content = "x") => store.put(path, Buffer.from(content));

  test("are listed oldest first, then by path, without markers of no bytes", async () => {
    await land("landing/a/late.csv");
    clock.advance(-1_000);
    for (const path of ["landing/a/b/2.csv", "landing/a/1.csv", "landing/a/x.txt", "landing/other/1.csv"])
      await land(path);
    await land("landing/a/marker.csv", "");
    const found = await listLanded(store, "landing/a/**.csv");
    expect(found.map((file) => file.path)).toEqual(["landing/a/1.csv", "landing/a/b/2.csv", "landing/a/late.csv"]);
    expect(found[0]).toEqual({
      path: "landing/a/1.csv",
      etag: expect.any(String),
      sizeBytes: 1,
      modifiedTime: "2023-11-14T22:13:19.000000Z",
    });
  });

  test("are looked for below the glob's own folder only", async () => {
    const prefixes: string[] = [];
    const watched = new FaultyStore(store, { random: seededRandom(1), before: ({ path }) => void prefixes.push(path) });
    await listLanded(watched, "landing/a/b/**.csv");
    expect(prefixes).toEqual(["landing/a/b/"]);
  });

  test("are the same to listing and to looking one up", async () => {
    await land("landing/a/1.csv");
    const meta = await store.head("landing/a/1.csv");
    expect(await listLanded(store, "landing/a/*.csv")).toEqual([meta && landedOf(meta)]);
  });

  test("have whole milliseconds also where a file system knows finer times", async () => {
    const files = new FileStore(folder, { clock, random: seededRandom(1) });
    await files.put("landing/a/1.csv", Buffer.from("x"));
    const [file] = await listLanded(files, "landing/a/*.csv");
    expect(file?.modifiedTime).toMatch(/\.\d{3}000Z$/);
  });

  test("are copied as they were planned", async () => {
    await land("landing/a/1.csv", "planned");
    const [file] = await listLanded(store, "landing/a/*.csv");
    const local = file && (await fetchLanded(store, file, folder, seededRandom(1)));
    expect(await readFile(local ?? "", "utf8")).toBe("planned");
  });

  test("that were replaced or removed since are not copied, and leave nothing behind", async () => {
    await land("landing/a/1.csv", "planned");
    await land("landing/a/2.csv", "planned");
    const [one, two] = await listLanded(store, "landing/a/*.csv");
    await land("landing/a/1.csv", "another");
    await store.delete("landing/a/2.csv");
    for (const file of [one, two])
      expect(file && (await fetchLanded(store, file, folder, seededRandom(1)))).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });
});
