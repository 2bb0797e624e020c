/** The commands that the guides show exist, with the options that they show. */
import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import { dyne } from "../cli/command.ts";
import { codeBlocks, root, textOf } from "./markdown.ts";

const prefix = "npm run --silent dyne -- ";
const guides = (await readdir(`${root}docs`)).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
const texts = await Promise.all(["README.md", ...guides].map(textOf));
const blocks = texts.flatMap((text) => codeBlocks(text, "sh")).flatMap((block) => block.split("\n"));
const inline = texts.flatMap((text) =>
  [...text.matchAll(/`(npm run --silent dyne -- [^`…]+)`/g)].map(([, line]) => line ?? ""),
);
const lines = [...new Set([...blocks, ...inline].filter((line) => line.startsWith(prefix)))];

it("there are commands in the guides", () => {
  expect(lines.length).toBeGreaterThan(5);
});

it.for(lines)("%s", async (line) => {
  const words = line
    .slice(prefix.length)
    .replace(/\s[|>#].*$/, "")
    .split(/\s+/);
  const path = words.slice(0, ["backfill", "flow", "quarantine", "table"].includes(words[0] ?? "") ? 2 : 1);
  const { exitCode, stdout } = await dyne(...path, "--help");
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`Usage: dyne ${path.join(" ")}`);
  for (const option of words.filter((word) => word.startsWith("--"))) expect(stdout).toContain(option);
});
