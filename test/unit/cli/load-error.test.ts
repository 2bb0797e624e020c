import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { loadErrorText } from "../../../cli/load-error.ts";
import { DyneError } from "../../../shared/core/index.ts";
import { shell } from "./command.ts";

const root = new URL("../../../", import.meta.url);
const packages = /^dyne cannot load its packages\. Remove node_modules/;

/** Node's own error, of a process of its own: here vitest finds the modules. */
async function errorOf(module: string): Promise<Error> {
  const code = `await import("${module}").catch(({ code, message }) => console.log(JSON.stringify({ code, message })))`;
  const { stdout } = await shell(`"${process.execPath}" --input-type=module --eval '${code}'`);
  const { message, code: errorCode } = JSON.parse(stdout) as { code: string; message: string };
  return Object.assign(new Error(message), { code: errorCode });
}

test("a package that is not there is told, with what helps", async () => {
  expect(loadErrorText(await errorOf("no-such-package"))).toMatch(packages);
});

test("a library that a package looks for in vain is told the same way", () => {
  let text: string | undefined;
  try {
    createRequire(import.meta.url)("no-such-package/library.node");
  } catch (error) {
    text = loadErrorText(error);
  }
  expect(text).toMatch(packages);
});

test("a file that is not there is no missing package, and left to Node", async () => {
  expect(loadErrorText(await errorOf(new URL("pipelines/no-such-pipeline.ts", root).href))).toBeUndefined();
});

test("a query that is refused is told by its message and the pipeline's own line", () => {
  const error = new DyneError("UNKNOWN_COLUMN", 'There is no column "amonut".');
  error.stack = `DyneError: …\n    at columnField (file:///dyne/shared/plan/analysis/field-of.ts:116:9)\n    at file:///dyne/pipelines/orders.ts:22:6`;
  expect(loadErrorText(error)).toBe(
    'UNKNOWN_COLUMN: There is no column "amonut".\n    at file:///dyne/pipelines/orders.ts:22:6',
  );
});

test("a mistake in a pipeline is left to Node", () => {
  expect(loadErrorText(new ReferenceError("amonut is not defined"))).toBeUndefined();
});
