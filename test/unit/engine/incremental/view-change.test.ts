/** What commits did to an input's rows, by file (engine-rules 12). */
import { describe, expect, test } from "vitest";
import type { AddFile, DeltaCommit, RemoveFile } from "../../../../shared/delta/index.ts";
import { changeOfCommits } from "../../../../shared/engine/incremental/view-change.ts";

const add = (path: string, rest: Partial<AddFile> = {}): AddFile => ({
  path,
  partitionValues: {},
  size: 10,
  modificationTime: 0,
  dataChange: true,
  ...rest,
});
const remove = (path: string, rest: Partial<RemoveFile> = {}): RemoveFile => ({
  path,
  partitionValues: {},
  size: 10,
  dataChange: true,
  ...rest,
});
const commit = (adds: readonly AddFile[], removes: readonly RemoveFile[]): DeltaCommit =>
  ({ adds, removes }) as unknown as DeltaCommit;
const deletionVector = { storageType: "u", pathOrInlineDv: "x", sizeInBytes: 1, cardinality: 1 } as const;

describe("files that", () => {
  const cases: readonly {
    readonly what: string;
    readonly commits: readonly DeltaCommit[];
    readonly added: readonly string[];
    readonly removed: readonly string[];
  }[] = [
    {
      what: "came stay added",
      commits: [commit([add("a")], []), commit([add("b")], [])],
      added: ["a", "b"],
      removed: [],
    },
    { what: "went are removed", commits: [commit([], [remove("a")])], added: [], removed: ["a"] },
    {
      what: "came and went say nothing",
      commits: [commit([add("a")], []), commit([add("b")], [remove("a")])],
      added: ["b"],
      removed: [],
    },
    {
      what: "were only moved say nothing, and what they hold still came",
      commits: [
        commit([add("a")], []),
        commit([add("b", { dataChange: false })], [remove("a", { dataChange: false })]),
      ],
      added: ["a"],
      removed: [],
    },
    {
      what: "were moved and then taken from are removed where they lay last",
      commits: [
        commit([add("a")], []),
        commit([add("b", { dataChange: false })], [remove("a", { dataChange: false })]),
        commit([add("c")], [remove("b")]),
      ],
      added: ["a", "c"],
      removed: ["b"],
    },
    {
      what: "lost rows in place are both, with and without the vector",
      commits: [commit([add("a", { deletionVector })], [remove("a")])],
      added: ["a"],
      removed: ["a"],
    },
    {
      what: "are spelled differently are the same file",
      commits: [commit([add("d=a%20b/f")], []), commit([], [remove("d=a b/f")])],
      added: [],
      removed: [],
    },
  ];

  test.each(cases)("$what", ({ commits, added, removed }) => {
    const change = changeOfCommits(commits)!;
    expect([change.added, change.removed].map((files) => files.map(({ path }) => path))).toEqual([added, removed]);
  });

  test("went with a deletion vector keep it, so that rows deleted before are not removed again", () => {
    expect(changeOfCommits([commit([], [remove("a", { deletionVector })])])?.removed[0]?.deletionVector).toEqual(
      deletionVector,
    );
  });
});

describe("files that were merged, and that a restore brought back, cannot be told by one set of files", () => {
  const moved = { dataChange: false };
  test.each<readonly [string, readonly DeltaCommit[]]>([
    [
      "after they came",
      [commit([add("a")], []), commit([add("m", moved)], [remove("a", moved)]), commit([add("a")], [remove("m")])],
    ],
    [
      "twice",
      [
        commit([add("m", moved)], [remove("a", moved)]),
        commit([add("a")], [remove("m")]),
        commit([add("n", moved)], [remove("a", moved)]),
        commit([add("a")], [remove("n")]),
      ],
    ],
    [
      "after they lost rows in place",
      [
        commit([add("a", { deletionVector })], [remove("a")]),
        commit([add("m", moved)], [remove("a", { ...moved, deletionVector })]),
        commit([add("a", { deletionVector })], [remove("m")]),
      ],
    ],
  ])("%s", (_, commits) => {
    expect(changeOfCommits(commits)).toBeUndefined();
  });

  test("but once they can: what came back is what the merged file held", () => {
    const commits = [commit([add("m", moved)], [remove("a", moved)]), commit([add("a")], [remove("m")])];
    expect(changeOfCommits(commits)).toMatchObject({ added: [{ path: "a" }], removed: [{ path: "m" }] });
  });
});
