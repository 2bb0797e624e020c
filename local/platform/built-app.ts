import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DyneError } from "../../shared/core/index.ts";

const manifestSchema = z.object({ main: z.string().min(1) });

/**
 * The modules of a built app, absolute and sorted: what the pattern `main` of its package.json matches, as the worker takes it. Throws
 * INVALID_ARGUMENT where the folder holds no app.
 */
export async function entriesOf(folder: string): Promise<readonly string[]> {
  const main = await readMain(folder);
  const found = main === undefined ? [] : await Array.fromAsync(glob(main, { cwd: folder }));
  if (found.length === 0) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${folder} is no built app. Build one there: npm run build -- --out <folder>`,
    );
  }
  return found.toSorted().map((path) => join(folder, path));
}

async function readMain(folder: string): Promise<string | undefined> {
  try {
    return manifestSchema.safeParse(JSON.parse(await readFile(join(folder, "package.json"), "utf8"))).data?.main;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
