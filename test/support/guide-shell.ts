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

/** Whatever is asked for is answered: an output of the deployment, or a word in its place. Plain JavaScript, for it runs from no package. */
const standIn = String.raw`#!${process.execPath}
const { appendFileSync } = require("node:fs");
const { basename } = require("node:path");
const call = [basename(process.argv[1]), ...process.argv.slice(2)];
appendFileSync(process.env.CALLS, JSON.stringify(call) + "\n");
const [program, subject, verb, name] = call;
if (program === "az" && call.includes("--query")) console.log("answered");
if (program === "pulumi" && subject === "stack" && verb === "output") {
  const outputs = JSON.parse(process.env.OUTPUTS);
  if (!Object.hasOwn(outputs, name)) throw new Error("there is no output " + name);
  console.log(outputs[name]);
}
`;

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
    const calls = join(place, "calls.ndjson");
    for (const folder of [programs, checkout, ...folders.map((name) => join(checkout, name))])
      await mkdir(folder, { recursive: true });
    for (const name of standIns) {
      await writeFile(join(programs, name), standIn);
      await chmod(join(programs, name), 0o755);
    }
    await writeFile(calls, "");
    const env = { PATH: `${programs}:${process.env["PATH"]}`, CALLS: calls, OUTPUTS: JSON.stringify(outputs) };
    const { exitCode, stderr } = await new Promise<Pick<ShellRun, "exitCode" | "stderr">>((resolve) =>
      execFile(
        "bash",
        ["--norc", "-euo", "pipefail", "-c", script],
        { cwd: checkout, env, timeout: 20_000 },
        (error, _, stderr) => resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stderr }),
      ),
    );
    const lines = (await readFile(calls, "utf8")).split("\n").filter((line) => line !== "");
    return { exitCode, stderr, calls: lines.map((line) => JSON.parse(line) as string[]) };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
