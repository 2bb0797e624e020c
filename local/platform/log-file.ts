import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

/** Appends a process's log to a file of its own. */
export function logFile(directory: string, name: string, stack: AsyncDisposableStack): (line: string) => void {
  const stream = createWriteStream(join(directory, "logs", `${name}.log`), { flags: "a" });
  stack.defer(async () => {
    stream.end();
    await once(stream, "close");
  });
  return (line) => stream.write(`${line}\n`);
}
