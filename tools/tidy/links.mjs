import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** How a heading is named in a link: as the usual renderers of Markdown do. */
function anchorOf(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[`*]/g, "")
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function anchorsOf(text) {
  return new Set([...withoutCode(text).matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => anchorOf(match[1])));
}

function withoutCode(text) {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
}

/** Yields a breach for every link of a Markdown file that leads to no file or heading of the project. */
export function* brokenLinks(root, path, text) {
  for (const [, target] of withoutCode(text)
    .replace(/`[^`\n]*`/g, "")
    .matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file, anchor] = target.split("#");
    const wanted = file === "" ? path : normalize(join(dirname(path), decodeURIComponent(file)));
    if (wanted.startsWith("..") || !existsSync(join(root, wanted))) {
      yield `the link to "${target}" leads nowhere`;
    } else if (anchor !== undefined && statSync(join(root, wanted)).isFile()) {
      const anchors = anchorsOf(file === "" ? text : readFileSync(join(root, wanted), "utf8"));
      if (wanted.endsWith(".md") && !anchors.has(anchor)) yield `the link to "${target}" names no heading`;
    }
  }
}
