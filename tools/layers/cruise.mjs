import { existsSync } from "node:fs";
import { join } from "node:path";
import { cruise } from "dependency-cruiser";
import { cruisedFolders, forbidden } from "./rules.mjs";

/**
 * Cruises the sources below `root`.
 *
 * Gives the number of source modules seen and the violations as `{ rule, from, to }`, paths relative to `root`.
 * Throws when no module was seen: a cruise that reads nothing finds nothing, which must not pass for order.
 */
export async function cruiseLayers(root) {
  const folders = cruisedFolders.filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(folders, {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)node_modules/.*/node_modules/" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  });
  const sources = output.modules.filter((module) =>
    cruisedFolders.some((folder) => module.source.startsWith(`${folder}/`)),
  );
  if (sources.length === 0) throw new Error(`No module was cruised below ${root}: the layers were not checked.`);
  return {
    moduleCount: sources.length,
    violations: output.summary.violations.map(({ rule, from, to, cycle }) => ({
      rule: rule.name,
      from,
      to: cycle ? cycle.map((step) => step.name).join(" → ") : to,
    })),
  };
}

/** What a rule asks, for the message of a violation. */
export function askOf(ruleName) {
  return forbidden.find((rule) => rule.name === ruleName)?.comment ?? "";
}
