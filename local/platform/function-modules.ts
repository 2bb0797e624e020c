import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Every module of a folder of functions, in the order of their names: what the real worker loads by the pattern in `main` of the app's package.json. */
export async function functionModules(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => /\.(?:ts|js)$/.test(name) && !name.endsWith(".d.ts"))
    .toSorted()
    .map((name) => join(directory, name));
}
