import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { root, textOf } from "./markdown.ts";

interface LayerRule {
  readonly name: string;
  readonly comment: string;
}

const map = await textOf("shared/README.md");

describe("the map of shared/", () => {
  it("names every file of the engine", async () => {
    const files = (await readdir(`${root}shared/engine`, { recursive: true })).filter((path) => path.endsWith(".ts"));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((path) => !map.includes(`](engine/${path})`))).toEqual([]);
  });

  it("has a paragraph on every room", async () => {
    const files = await readdir(`${root}shared`, { recursive: true });
    const rooms = files.flatMap((path) => /^(\w+)\/index\.ts$/.exec(path)?.[1] ?? []);
    expect(rooms.length).toBeGreaterThan(5);
    expect(rooms.filter((room) => !map.includes(`\n**${room}** ([index](${room}/index.ts))`))).toEqual([]);
  });

  it("says who may import whom as the layer check does", async () => {
    const { forbidden } = (await import(`${root}tools/layers/rules.mjs`)) as { forbidden: readonly LayerRule[] };
    const checked = forbidden.flatMap(({ name, comment }) => {
      const match = /^shared\/(\w+) may import (.*) of the repository/.exec(comment);
      return match === null || name !== `shared-${match[1]}`
        ? []
        : [`| ${match[1]} | ${match[2] === "nothing" ? "–" : match[2]} |`];
    });
    const written = [...map.matchAll(/^\| \w+ \| (?:–|[a-z*, ]+) \|$/gm)].map((match) => match[0]);
    expect(checked.length).toBeGreaterThan(10);
    expect(written.filter((line) => !/^\| (room|file) \|/.test(line))).toEqual(checked);
  });
});
