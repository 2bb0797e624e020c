import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const licenseFile = /^(licen[sc]e|copying|notice|third.?party.?notices?)([.-].*)?$/i;
const rule = "=".repeat(80);

/** The packages that bundled files belong to, as paths below `node_modules/`, sorted. A package within a package counts by itself. */
export function packagesOf(inputs) {
  const pattern = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
  const found = [...inputs].flatMap((input) => pattern.exec(input)?.[0] ?? []);
  return [...new Set(found)].sort();
}

/**
 * The licenses of the packages at these paths below `root`, and the legal comments of their sources: one text, the same for the same
 * packages. One that ships no license text is named with the license that it declares.
 */
export async function thirdPartyNotices(root, paths, legalComments) {
  const parts = ["This app contains the packages below. Each is followed by its license."];
  for (const path of paths) {
    const { name, version, license } = JSON.parse(await readFile(join(root, path, "package.json"), "utf8"));
    const files = (await readdir(join(root, path))).filter((file) => licenseFile.test(file)).sort();
    const texts = await Promise.all(files.map((file) => readFile(join(root, path, file), "utf8")));
    parts.push(`${rule}\n${name} ${version} (${license ?? "see its text"})\n${rule}`);
    parts.push(...(texts.length > 0 ? texts : ["It comes without a text of its license."]));
  }
  parts.push(`${rule}\nLegal comments of the sources\n${rule}`, ...legalComments);
  return `${parts.map((part) => part.replaceAll("\r\n", "\n").trim()).join("\n\n")}\n`;
}
