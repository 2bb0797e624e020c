/** docs/delta-features.md: who reads whose tables, by feature, as a run found it. */
import { interopCases, type InteropCase } from "./cases/index.ts";
import { peerNames, type PeerName } from "./world.ts";

/** Where the matrix stands. */
export const matrixPath = new URL("../../docs/delta-features.md", import.meta.url);

export type Direction = InteropCase["kind"];
export type Outcome = "yes" | "rows only" | "refused" | "no";

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

/** Cells that a matrix, as text, has something to say of, with what it says. */
export function cellsOfMatrix(text: string): ReadonlyMap<string, string> {
  const rows = text.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  const [titles = [], ...features] = rows.map((row) => row.split(" | ").map((cell) => cell.replaceAll("|", "").trim()));
  const cells = features.flatMap(([feature, ...outcomes]) =>
    outcomes.flatMap((outcome, i) =>
      outcome === "" || outcome === "–" ? [] : [[`${feature} | ${titles[i + 1]}`, outcome] as const],
    ),
  );
  return new Map(cells);
}

const refusedWords = "every write to them is refused by name: ";

/** Features that a page, as text, says dyne refuses to write. */
function refusedOf(text: string): readonly string[] {
  const line = text.split("\n").find((each) => each.includes(refusedWords));
  return line === undefined ? [] : line.slice(line.indexOf(refusedWords) + refusedWords.length, -1).split(" · ");
}

const titleOfColumn = (direction: Direction, peer: PeerName): string =>
  columns.find((column) => column.direction === direction && column.peer === peer)!.title;

/** What a run found, and with whom. */
export class FeatureMatrix {
  readonly #results: Result[] = [];
  readonly #refusedWriting = new Set<string>();
  #versions: Readonly<Record<string, string>> = {};

  /** Names and versions of the peers. */
  met(versions: Readonly<Record<string, string>>): void {
    this.#versions = { ...this.#versions, ...versions };
  }

  add(result: Result): void {
    this.#results.push(result);
  }

  /** A feature whose tables dyne reads, and was seen to refuse to write. */
  refusedWriting(feature: string): void {
    this.#refusedWriting.add(feature);
  }

  /** The page. A cell is the worst of what its cases came to; one of which no case ran is what the page said before. */
  render(day: string, before: string): string {
    const features = [...new Set(interopCases.map(({ feature }) => feature))];
    const cases = cellsOfCases();
    const known = new Map([...cellsOfMatrix(before)].filter(([cell]) => cases.includes(cell)));
    const earlier = new Set(refusedOf(before));
    const refused = features.filter((feature) => this.#refusedWriting.has(feature) || earlier.has(feature));
    const left = [...known.keys()].filter((cell) => !this.#hasTried(cell));
    const versions = Object.entries(this.#versions).map(([name, version]) => `${name} ${version}`);
    return [
      "# Delta features, tried with others",
      "",
      `Written by \`INTEROP_WRITE=1 npm run test:interop\` on ${day}, from a run with ${versions.join(", ")}.`,
      ...(left.length === 0 ? [] : [`That run tried some of the cases; ${left.length} cells are from an earlier one.`]),
      "",
      "`A → B`: A wrote the table, B read it. **yes**: rows and, where there are any, change rows equal what was written, in the newest version and in an",
      "older one. **rows only**: the rows are equal, and the reader's change rows are others. **refused**: the reader does not open the table or its",
      "change feed, and names the feature. **–**: there is no case.",
      "",
      `| feature | ${columns.map(({ title }) => title).join(" | ")} |`,
      `| --- |${" --- |".repeat(columns.length)}`,
      ...features.map(
        (feature) => `| ${feature} | ${columns.map((column) => this.#cell(feature, column, known)).join(" | ")} |`,
      ),
      "",
      `Spark's tables with these features are read, and ${refusedWords}${refused.join(" · ")}.`,
      "What else dyne does not do is in [limits](limits.md).",
      "",
    ].join("\n");
  }

  #hasTried(cell: string): boolean {
    return this.#results.some(
      ({ feature, direction, peer }) => `${feature} | ${titleOfColumn(direction, peer)}` === cell,
    );
  }

  #cell(
    feature: string,
    { direction, peer, title }: (typeof columns)[number],
    known: ReadonlyMap<string, string>,
  ): string {
    const outcomes = this.#results
      .filter((one) => one.feature === feature && one.direction === direction && one.peer === peer)
      .map(({ outcome }) => outcome);
    const worst = (["no", "refused", "rows only", "yes"] as const).find((outcome) => outcomes.includes(outcome));
    return worst ?? known.get(`${feature} | ${title}`) ?? "–";
  }
}
