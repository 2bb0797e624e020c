/** What to say where the program does not load. */
import { isDyneError } from "../shared/core/index.ts";

/**
 * What is wrong, and where: of a pipeline that dyne refuses the error's message and the pipeline's own lines; of a package that is not there, or was
 * made for another machine, what helps. Undefined for all else, which Node tells best, with the line of the source.
 */
export function loadErrorText(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const stack = error.stack ?? error.message;
  if (isMissingPackage(error))
    return `dyne cannot load its packages. Remove node_modules, and start again by npm.\n${stack}`;
  if (!isDyneError(error)) return undefined;
  const places = stack
    .split("\n")
    .filter((line) => /^ +at .*\/pipelines\//.test(line) && !line.includes("/node_modules/"));
  return [`${error.code}: ${error.message}`, ...places].join("\n");
}

function isMissingPackage(error: Error): boolean {
  if (!("code" in error)) return false;
  if (error.code === "ERR_MODULE_NOT_FOUND") return error.message.startsWith("Cannot find package");
  return error.code === "MODULE_NOT_FOUND" || error.code === "ERR_DLOPEN_FAILED";
}
