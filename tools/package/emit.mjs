import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { LaunchFailure } from "../launch/failure.mjs";
import { packageProgram } from "../run.mjs";

/**
 * Emits sources below `shared/`, and all that they import of it, as JavaScript and declarations into the folder `out`. Throws LaunchFailure
 * with the compiler's own words where they do not compile, or would emit something that is not below `shared/`.
 */
export async function emit({ root, sources, out }) {
  const config = join(out, "tsconfig.json");
  const shared = join(root, "shared");
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        noEmitOnError: true,
        declaration: true,
        rootDir: shared,
        outDir: out,
        typeRoots: [join(root, "node_modules/@types")],
      },
      files: sources.map((source) => join(shared, source)),
      // Declarations of modules that come without any are not imported, and have to be named.
      include: [join(shared, "**/*.d.ts")],
    }),
  );
  try {
    const [command, ...args] = packageProgram("typescript", "tsc");
    await promisify(execFile)(command, [...args, "-p", config]);
  } catch (error) {
    if (typeof error.stdout !== "string" || error.stdout === "") throw error;
    throw new LaunchFailure(`The package cannot be made of these sources.\n${error.stdout.trimEnd()}`);
  } finally {
    await rm(config, { force: true });
  }
}
