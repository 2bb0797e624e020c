/** docs/delta-features.md: who reads whose tables, by feature, as a run found it. */
import { interopCases, type InteropCase } from "./cases/index.ts";
import { peerNames, type PeerName } from "./world.ts";

/** Where the matrix stands. */
export const matrixPath = new URL("../../docs/delta-features.md", import.meta.url);

export type Direction = InteropCase["kind"];
export type Outcome = "yes" | "refused" | "no";

interface Result {
  readonly feature: string;
  readonly direction: Direction;
  readonly peer: PeerName;
  readonly outcome: Outcome;
}

const columns: readonly { readonly direction: Direction; readonly peer: PeerName; readonly title: string }[] = (
  ["here", "there"] as const
).flatMap((direction) =>
  peerNames.map((peer) => ({
    direction,
    peer,
    title: direction === "here" ? `dyne → ${peer}` : `${peer} → dyne`,
  })),
);

/** Cells of the matrix that have cases, as `feature | column`. */
export function cellsOfCases(): readonly string[] {
  const cells = interopCases.flatMap((one) => {
    const peers = one.kind === "here" ? peerNames : peerNames.filter((peer) => one.by[peer] !== undefined);
    return peers.map((peer) => `${one.feature} | ${titleOfColumn(one.kind, peer)}`);
  });
  return [...new Set(cells)].sort();
}

/** Cells that a matrix, as text, has something to say of. */
export function cellsOfMatrix(text: string): readonly string[] {
  const rows = text.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  const [titles = [], ...features] = rows.map((row) => row.split(" | ").map((cell) => cell.replaceAll("|", "").trim()));
  return features
    .flatMap(([feature, ...cells]) =>
      cells.flatMap((cell, i) => (cell === "" || cell === "–" ? [] : [`${feature} | ${titles[i + 1]}`])),
    )
    .sort();
}

const titleOfColumn = (direction: Direction, peer: PeerName): string =>
  columns.find((column) => column.direction === direction && column.peer === peer)!.title;

/** What a run found, and with whom. */
export class FeatureMatrix {
  readonly #results: Result[] = [];
  #versions: Readonly<Record<string, string>> = {};

  /** Names and versions of the peers. */
  met(versions: Readonly<Record<string, string>>): void {
    this.#versions = { ...this.#versions, ...versions };
  }

  add(result: Result): void {
    this.#results.push(result);
  }

  /** The page. A cell is the worst of what its cases came to. */
  render(day: string): string {
    const features = [...new Set(interopCases.map(({ feature }) => feature))];
    const versions = Object.entries(this.#versions).map(([name, version]) => `${name} ${version}`);
    return [
      "# Delta features, tried with others",
      "",
      `Written by \`INTEROP_WRITE=1 npm run test:interop\` on ${day}, from a run with ${versions.join(", ")}.`,
      "",
      "`A → B`: A wrote the table, B read it. **yes**: rows and, where there are any, change rows equal what was written, in the newest version and in an",
      "older one. **refused**: the reader does not open the table, and names the feature. **–**: there is no case. What dyne does with each",
      "feature, and what it refuses to write, is in [limits](limits.md).",
      "",
      `| feature | ${columns.map(({ title }) => title).join(" | ")} |`,
      `| --- |${" --- |".repeat(columns.length)}`,
      ...features.map(
        (feature) => `| ${feature} | ${columns.map((column) => this.#cell(feature, column)).join(" | ")} |`,
      ),
      "",
    ].join("\n");
  }

  #cell(feature: string, { direction, peer }: (typeof columns)[number]): string {
    const outcomes = this.#results
      .filter((one) => one.feature === feature && one.direction === direction && one.peer === peer)
      .map(({ outcome }) => outcome);
    return (["no", "refused", "yes"] as const).find((outcome) => outcomes.includes(outcome)) ?? "–";
  }
}
