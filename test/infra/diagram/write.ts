/** `npm run infra:diagram`: writes the security model of the program, as it is now, into docs/deploy.md. */
import { writeFile } from "node:fs/promises";
import { guidePath, readGuide } from "./guide-section.ts";

const { is, shall } = await readGuide();
if (is !== shall) await writeFile(guidePath, shall);
console.log(
  is === shall ? "docs/deploy.md shows the program as it is." : "docs/deploy.md: the diagrams are written anew.",
);
