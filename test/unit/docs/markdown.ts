import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A text file of the checkout by its path from the root. */
export function textOf(path: string): Promise<string> {
  return readFile(`${root}${path}`, "utf8");
}

/** Bodies of the fenced blocks of a language, in order. */
export function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap((match) =>
    match[1] === language ? [match[2] ?? ""] : [],
  );
}
