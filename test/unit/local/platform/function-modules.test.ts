import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { functionModules } from "../../../../local/platform/function-modules.ts";
import { temporaryDirectory } from "../azurite/temporary-azurite.ts";

test("every module of the folder is loaded, and nothing else of it", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "functions");
  await mkdir(path);
  for (const name of ["status.ts", "built.js", "types.d.ts", "notes.md", "built.js.map"])
    await writeFile(join(path, name), "");
  expect(await functionModules(path)).toEqual([join(path, "built.js"), join(path, "status.ts")]);
});
