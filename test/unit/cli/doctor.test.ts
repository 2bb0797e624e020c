import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dyne } from "./command.ts";

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly found: string }[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-doctor-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

const found = ({ checks }: Report, name: string) => checks.find((check) => check.name === name);

test("says of each part what it found, to people and to programs", async () => {
  const told = await dyne("doctor", "--data", folder);
  expect(told.stdout.split("\n").map((line) => line.slice(2, 10).trim())).toEqual([
    "Node.js",
    "DuckDB",
    "ports",
    "disk",
    "memory",
    "storage",
    "",
  ]);
  const { stdout } = await dyne("doctor", "--data", folder, "--json");
  const report = JSON.parse(stdout) as Report;
  expect(found(report, "Node.js")).toMatchObject({
    ok: true,
    found: expect.stringContaining(process.version) as string,
  });
  expect(found(report, "DuckDB")).toMatchObject({ ok: true });
  expect(found(report, "ports")).toMatchObject({ ok: true });
  expect(found(report, "storage")).toMatchObject({ ok: true, found: expect.stringContaining("npm start") as string });
});

test("a folder whose storage cannot be opened is told with its cause, and by the exit code", async () => {
  const broken = join(folder, "broken");
  await mkdir(broken);
  await writeFile(join(broken, "storage"), "a file where a folder belongs");
  const { exitCode, stdout } = await dyne("doctor", "--data", broken, "--json");
  const report = JSON.parse(stdout) as Report;
  expect([exitCode, report.ok, found(report, "storage")?.ok]).toEqual([1, false, false]);
  expect(found(report, "storage")?.found).not.toBe("");
});

test("a data folder that cannot be made is told", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const { exitCode, stdout } = await dyne("doctor", "--data", join(file, "below"), "--json");
  expect([exitCode, found(JSON.parse(stdout) as Report, "disk")?.ok]).toEqual([1, false]);
});
