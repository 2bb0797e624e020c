/** What comes in from outside, drawn from a seed: events of both partitions, landed files, and what a naive model makes of the events. */
import fc from "fast-check";
import { drawnEvents, eventsOf, modelOf, type ModelEvent, type Placed } from "../support/engine-model.ts";
import type { Row } from "../support/engine-harness.ts";
import { drawnInput, type DrawnInput } from "./drawn.ts";
import type { AnyShape } from "./shapes.ts";

export interface LandedText {
  readonly path: string;
  readonly text: string;
}

export interface Input {
  /** By partition, in order. */
  readonly partitions: readonly (readonly SentEvent[])[];
  /** Both partitions know the same keys: which of two events is the duplicate then depends on the order of commits. */
  readonly sharesKeys: boolean;
  /** In the order in which they land. */
  readonly files: readonly LandedText[];
  /** Of the shape `drawn` alone: its pipeline, and what becomes of its sources. */
  readonly drawn?: DrawnInput;
}

export interface SentEvent extends ModelEvent {
  /** The host alters them on their way to the trigger. */
  readonly properties: Record<string, unknown> | undefined;
}

/** The input of a data seed. */
export function inputOf(shape: AnyShape, seed: number): Input {
  if (shape === "drawn") return { partitions: [[], []], sharesKeys: false, files: [], drawn: drawnInput(seed) };
  const hasEvents = shape !== "files";
  const sharesKeys = seed % 4 === 0;
  const drawn = fc.sample(fc.tuple(drawnEvents, drawnEvents), { seed, numRuns: 1 })[0] ?? [[], []];
  const partitions = drawn.map((each, lane) =>
    eventsOf(String(lane), hasEvents ? each : [], sharesKeys).map((event, index) => ({
      ...event,
      properties: (seed + index) % 5 === 0 ? { attempt: index } : undefined,
    })),
  );
  return { partitions, sharesKeys, files: filesOf(shape, seed) };
}

function filesOf(shape: AnyShape, seed: number): LandedText[] {
  if (shape === "joined") {
    const sites = (version: string) => ["d0", "d1", "d2"].map((code) => `${code},${version}-${seed % 7}`).join("\n");
    return [
      { path: "landing/sites/a.csv", text: `code,site\n${sites("old")}\n` },
      { path: "landing/sites/b.csv", text: "code,site\nd3,new\n" },
    ];
  }
  if (shape !== "files") return [];
  const note = (file: number, firstId: number): LandedText => ({
    path: `landing/notes/${file}.jsonl`,
    text: Array.from({ length: 1 + ((seed + file) % 3) }, (__, line) =>
      (seed + line) % 4 === 3
        ? "not json"
        : JSON.stringify({ id: firstId + line, text: "x".repeat((seed + line) % 6) }),
    ).join("\n"),
  });
  const notes = Array.from({ length: 2 + (seed % 3) }, (_, file) => note(file, file * 10));
  return seed % 2 === 0 ? notes : [...notes, note(0, 100), note(1, 110)];
}

/** True where a file is written again under its path: which versions of it are read depends on when. */
export function isReplacing({ files }: Input): boolean {
  return new Set(files.map(({ path }) => path)).size < files.length;
}

/** Of every path the ids in each version that landed, oldest first. No two versions share an id. */
export function landedIds({ files }: Input): number[][][] {
  const paths = [...new Set(files.map(({ path }) => path))];
  return paths.map((path) =>
    files
      .filter((file) => file.path === path)
      .map(({ text }) =>
        text
          .split("\n")
          .filter((line) => line.startsWith("{"))
          .map((line) => (JSON.parse(line) as { id: number }).id),
      ),
  );
}

/** What silver.readings and its quarantine hold in the end, whatever happened on the way, as long as partitions share no keys. */
export function modelled(input: Input): { readonly silver: readonly Row[]; readonly quarantine: readonly Placed[] } {
  return modelOf(input.partitions, {}, (a, b) => a.lane.localeCompare(b.lane) || a.position - b.position);
}
