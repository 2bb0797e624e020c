/** DOCS_WRITE=1 writes docs/functions.md anew. */
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import * as plan from "../../../../shared/plan/index.ts";
import { functionsPage, functionsPagePath } from "./functions-page.ts";

describe("the page of functions", () => {
  it("is what the table of functions says", async () => {
    if (process.env["DOCS_WRITE"] === "1") await writeFile(functionsPagePath, functionsPage());
    const written = await readFile(functionsPagePath, "utf8");
    // Line by line: vitest takes minutes to show how two pages differ.
    const lines = new Set(written.split("\n"));
    const missing = functionsPage()
      .split("\n")
      .filter((line) => !lines.has(line));
    expect(missing, "write the page anew: DOCS_WRITE=1 npx vitest run test/unit/plan/functions").toEqual([]);
    expect(written === functionsPage(), "the page has lines too many, or in another order").toBe(true);
  });

  it("names what queries can call: functions of the package, and methods of columns", () => {
    const methods: object = plan.Column.prototype;
    for (const { doc } of plan.functionTable) {
      if (doc === undefined) continue;
      const [, receiver, name = ""] = /^(\w+\.)?(\w+)\(/.exec(doc.usage) ?? [];
      const found = receiver === undefined ? Object.hasOwn(plan, name) : name in methods;
      expect(found, doc.usage).toBe(true);
    }
  });

  it("says of every approximate function, and of no exact one, how it differs", () => {
    for (const { doc, exactness, name } of plan.functionTable) {
      if (doc !== undefined) expect(doc.difference !== undefined, name).toBe(exactness === "approximate");
    }
  });
});
