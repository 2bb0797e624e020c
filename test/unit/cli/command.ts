import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { vi } from "vitest";
import { runCommand } from "../../../cli/program.ts";

export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command `dyne` to its end, in this process. One at a time. */
export async function dyne(...args: readonly string[]): Promise<Ran> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((piece) => {
      said[name] += String(piece);
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    return { exitCode: await runCommand(args), ...said };
  } finally {
    // Other commands, and the tests themselves, end in this process too.
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

/** Runs a line of shell in which `dyne` is the command. */
export async function shell(line: string): Promise<Ran> {
  const root = join(import.meta.dirname, "../../..");
  const command = `dyne() { "${process.execPath}" "${join(root, "cli/dyne.ts")}" "$@"; }; ${line}`;
  const child = spawn("sh", ["-c", command], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { exitCode: await exited, stdout, stderr };
}
