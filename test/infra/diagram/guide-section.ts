/** The part of docs/deploy.md that is generated. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deploy } from "../deployment.ts";
import { securityDiagram } from "./security-diagram.ts";

export const guidePath = join(import.meta.dirname, "../../../docs/deploy.md");
const [begin, end] = [
  "<!-- Made by npm run infra:diagram. -->",
  "<!-- End of what npm run infra:diagram makes. -->",
] as const;

/** The guide as it is, and as it has to be for the program as it is. Throws where the guide has no place for the diagram. */
export async function readGuide(): Promise<{ readonly is: string; readonly shall: string }> {
  const is = await readFile(guidePath, "utf8");
  const [from, to] = [is.indexOf(begin), is.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/deploy.md has no place for the diagram: ${begin} … ${end}`);
  // With an API that lets somebody in, so that its door is drawn too.
  const deployment = await deploy({ config: { "dyne:clientId": "5d3a1a52-1c58-4d9b-8b1e-9b1f2a3c4d5e" } });
  return { is, shall: `${is.slice(0, from + begin.length)}\n\n${securityDiagram(deployment)}\n\n${is.slice(to)}` };
}
