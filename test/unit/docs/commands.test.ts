/** The commands that the guides show exist, with the options that they show. */
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openApiDocument, routes } from "../../../shared/http/index.ts";
import { runShell } from "../../support/guide-shell.ts";
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

describe("requests that the guides show", () => {
  const document = openApiDocument(routes) as { readonly paths: Readonly<Record<string, object>> };
  const patterns = Object.keys(document.paths).map((path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`));
  const paths = [
    ...new Set(
      texts.flatMap((text) =>
        [...text.matchAll(/https?:\/\/[^\s"/]+(\/api\/[^\s"?`]*)/g)].map(([, path]) => path ?? ""),
      ),
    ),
  ];

  it("are there", () => {
    expect(paths.length).toBeGreaterThan(2);
  });

  it("run in a shell as they are shown", async () => {
    const blocks = codeBlocks(await textOf("docs/http-api.md"), "sh").filter((block) => block.includes("curl "));
    expect(blocks.length).toBeGreaterThan(1);
    for (const block of blocks) {
      const { exitCode, stderr, calls } = await runShell(block.replaceAll(/<[\w ]+>/g, "7"));
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(calls.at(-1)?.at(-1)).toMatch(/^https?:\/\/[\w.:]+\/api\//);
    }
  });

  it.for(paths)("%s is a route", (path) => {
    expect(patterns.filter((pattern) => pattern.test(path))).toHaveLength(1);
  });
});

it("the JSON that the guides show is JSON", () => {
  const shown = texts.flatMap((text) => codeBlocks(text, "json"));
  expect(shown.length).toBeGreaterThan(2);
  for (const block of shown)
    for (const line of block.trim().split("\n")) expect(() => JSON.parse(line), line).not.toThrow();
});
