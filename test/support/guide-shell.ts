/** Runs the commands of a guide in a shell where the programs of Azure, Pulumi and the network only say what they were called with. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ShellRun {
  readonly exitCode: number;
  readonly stderr: string;
  /** The calls of programs that stand in for others: name and arguments. */
  readonly calls: readonly (readonly string[])[];
}

const standIns = ["az", "curl", "npm", "pulumi"];

/**
 * Whatever is asked for is answered: an output of the deployment, or a word in its place. A call is written as the number of its words and the
 * words, each with a zero byte behind it. In sh, because guides call programs by the dozen, and a Node.js for each would be most of a test.
 */
const standIn = `#!/bin/sh
program="\${0##*/}"
printf '%s\\0' "$(($# + 1))" "$program" "$@" >> "$CALLS"
if [ "$program" = az ]; then
  for word do
    if [ "$word" = --query ]; then echo answered; break; fi
  done
elif [ "$program $1 $2" = "pulumi stack output" ]; then
  if [ ! -f "$OUTPUTS/$3" ]; then echo "there is no output $3" >&2; exit 1; fi
  cat "$OUTPUTS/$3"
fi
`;

function callsOf(recorded: string): readonly (readonly string[])[] {
  const words = recorded.split("\0").slice(0, -1);
  const calls: string[][] = [];
  for (let start = 0; start < words.length;) {
    const end = start + 1 + Number(words[start]);
    if (!(end > start + 1 && end <= words.length)) throw new Error(`Calls were recorded over each other: ${recorded}`);
    calls.push(words.slice(start + 1, end));
    start = end;
  }
  return calls;
}

/** Runs a script from a fresh folder with these folders in it, and stops at the first command that fails. */
export async function runShell(
  script: string,
  {
    outputs = {},
    folders = [],
  }: { readonly outputs?: Readonly<Record<string, string>>; readonly folders?: readonly string[] } = {},
): Promise<ShellRun> {
  const place = await mkdtemp(join(tmpdir(), "dyne-shell-"));
  try {
    const programs = join(place, "programs");
    const checkout = join(place, "checkout");
    const calls = join(place, "calls");
    const answers = join(place, "outputs");
    for (const folder of [programs, checkout, answers, ...folders.map((name) => join(checkout, name))])
      await mkdir(folder, { recursive: true });
    for (const name of standIns) {
      await writeFile(join(programs, name), standIn);
      await chmod(join(programs, name), 0o755);
    }
    for (const [name, value] of Object.entries(outputs)) await writeFile(join(answers, name), `${value}\n`);
    await writeFile(calls, "");
    const env = { PATH: `${programs}:${process.env["PATH"]}`, CALLS: calls, OUTPUTS: answers };
    const { exitCode, stderr } = await new Promise<Pick<ShellRun, "exitCode" | "stderr">>((resolve) =>
      execFile(
        "bash",
        ["--norc", "-euo", "pipefail", "-c", script],
        { cwd: checkout, env, timeout: 20_000 },
        (error, _, stderr) => resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stderr }),
      ),
    );
    return { exitCode, stderr, calls: callsOf(await readFile(calls, "utf8")) };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
