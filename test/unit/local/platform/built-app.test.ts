import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { entriesOf } from "../../../../local/platform/built-app.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-app-"));
  await mkdir(join(folder, "functions"));
  for (const name of ["b.js", "a.js", "a.js.map"]) await writeFile(join(folder, "functions", name), "");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the entries of a built app", () => {
  it("are what its main matches, in order", async () => {
    await writeFile(join(folder, "package.json"), '{"main":"functions/*.js"}');
    expect(await entriesOf(folder)).toEqual(["a.js", "b.js"].map((name) => join(folder, "functions", name)));
  });

  const wrong = [
    { situation: "there is no package.json", text: undefined },
    { situation: "package.json is no JSON", text: "{" },
    { situation: "it has no main", text: "{}" },
    { situation: "main matches nothing", text: '{"main":"src/*.js"}' },
  ];
  it.for(wrong)("are refused where $situation, with the command that builds one", async ({ text }) => {
    if (text !== undefined) await writeFile(join(folder, "package.json"), text);
    await expect(entriesOf(folder)).rejects.toThrow(
      "is no built app. Build one there: npm run build -- --out <folder>",
    );
  });
});
