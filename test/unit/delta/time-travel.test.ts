/** Which version a table had at a time. */
import fc from "fast-check";
import { paddedNumber } from "../../../shared/core/index.ts";
import { describe, expect, test } from "vitest";
import { commitPath, encodeActions, openSnapshot, type Action, type DeltaLog } from "../../../shared/delta/index.ts";
import { jsonCheckpoints } from "../../support/json-checkpoints.ts";
import { contentOf, put } from "./log-under-test.ts";
import { add, newTable } from "./table-under-test.ts";

const minute = 60_000;
/** The time of version 0. */
const start = 1_700_000_000_000;

/** Times of commits after version 0, in minutes after it. */
interface Time {
  readonly own: number;
  readonly inCommit?: number;
}

/** A table with commits of these times; in-commit timestamps are turned on by the first commit that has one. */
async function tableOf(times: readonly Time[], enablement: Readonly<Record<string, string>> = {}) {
  const under = await newTable();
  const { metadata } = under.base;
  const enabled = times.findIndex(({ inCommit }) => inCommit !== undefined);
  for (const [index, { own, inCommit }] of times.entries()) {
    const commitInfo = {
      ...(inCommit !== undefined && { inCommitTimestamp: start + inCommit * minute }),
      timestamp: start + own * minute,
    };
    const configuration = {
      "delta.enableInCommitTimestamps": "true",
      "delta.inCommitTimestampEnablementVersion": String(enabled + 1),
      "delta.inCommitTimestampEnablementTimestamp": String(start + (times[enabled]?.inCommit ?? 0) * minute),
      ...enablement,
    };
    const metaData: readonly Action[] = index === enabled ? [{ metaData: { ...metadata, configuration } }] : [];
    const actions = [{ commitInfo }, ...metaData, add(String(index + 1))];
    await under.log.store.put(commitPath(under.log, index + 1), encodeActions(actions));
  }
  under.asked.length = 0;
  return under;
}

async function versionAt(log: DeltaLog, minutes: number): Promise<number> {
  return (await openSnapshot(log, { timestampMs: start + minutes * minute })).version;
}

const own = (...minutes: readonly number[]): readonly Time[] => minutes.map((at) => ({ own: at }));

describe("without in-commit timestamps", () => {
  test("the last version at or before the time is opened, and the newest for any later one", async () => {
    const { log } = await tableOf(own(1, 2, 3));
    expect(await Promise.all([0, 0.5, 1, 2.9, 3, 1e6].map((at) => versionAt(log, at)))).toEqual([0, 0, 1, 2, 3, 3]);
  });

  test("a version is no older than one before it, where a writer's clock was wrong", async () => {
    const { log } = await tableOf(own(1, 5, 4.5, 4.2, 6));
    // Version 2 says minute 5; versions 3 and 4 came after it, whatever their clocks said.
    expect(await Promise.all([4, 4.3, 4.7, 4.99, 5, 6].map((at) => versionAt(log, at)))).toEqual([1, 1, 1, 1, 4, 5]);
  });

  test("times of several versions that are the same give the last of them", async () => {
    const { log } = await tableOf(own(1, 1, 1, 2));
    expect(await versionAt(log, 1)).toBe(3);
  });

  test("few of many commits are read", async () => {
    const { log, asked } = await tableOf(own(...Array.from({ length: 500 }, (_, i) => i + 1)));
    expect(await versionAt(log, 250)).toBe(250);
    const probed = asked.filter(({ name }) => name === "get").length - 251;
    expect(probed).toBeLessThan(30);
  });

  test("it is the version that times made to rise give, whatever clocks do within their bounds", async () => {
    const skewed = fc.array(fc.tuple(fc.nat(120), fc.integer({ min: -59, max: 59 })), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(skewed, fc.nat(3_000), async (steps, at) => {
        let seconds = 0;
        const seen = steps.map(([step, skew]) => ((seconds += step) + skew) / 60);
        const { log } = await tableOf(own(...seen));
        let newest = 0;
        const rising = [0, ...seen].map((time) => (newest = Math.max(newest, time)));
        expect(await versionAt(log, at / 60)).toBe(
          rising.findLastIndex((time) => Math.round(time * minute) <= at * 1_000),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe("with in-commit timestamps", () => {
  const times: readonly Time[] = [
    { own: 1 },
    { own: 9 },
    { own: 2, inCommit: 10 },
    { own: 1, inCommit: 11 },
    { own: 0, inCommit: 12 },
  ];

  test("these count from the version that turned them on, and its own time parts them from those before", async () => {
    const { log } = await tableOf(times);
    expect(await Promise.all([0, 1, 8, 9, 9.9, 10, 11.5, 12, 99].map((at) => versionAt(log, at)))).toEqual([
      0, 1, 1, 2, 2, 3, 4, 5, 5,
    ]);
  });

  test("a clock that ran ahead before they were turned on hides no version after that", async () => {
    const { log } = await tableOf([{ own: 1 }, { own: 30 }, { own: 2, inCommit: 10 }, { own: 3, inCommit: 11 }]);
    expect(await Promise.all([9, 10, 11, 29].map((at) => versionAt(log, at)))).toEqual([1, 3, 4, 4]);
  });

  test("they count for the whole table where it does not say since when, or says nonsense", async () => {
    const always: readonly Readonly<Record<string, string>>[] = [
      { "delta.inCommitTimestampEnablementVersion": "x" },
      { "delta.inCommitTimestampEnablementVersion": "99999999999999999999" },
      { "delta.inCommitTimestampEnablementVersion": "400" },
      { "delta.inCommitTimestampEnablementTimestamp": "-1" },
    ];
    for (const enablement of always) {
      const { log } = await tableOf([{ own: 1 }, { own: 1, inCommit: 10 }, { own: 1, inCommit: 11 }], enablement);
      expect(await Promise.all([1, 10, 11].map((at) => versionAt(log, at)))).toEqual([1, 2, 3]);
    }
  });

  test("that began before the log does are all that there is", async () => {
    const { log, memory } = await tableOf(times);
    const { others, files } = contentOf(await openSnapshot(log, { version: 3 }));
    const checkpoint = [...others, ...files];
    for (const version of [0, 1, 2]) await memory.delete(commitPath(log, version));
    await put(log, `${paddedNumber(3)}.checkpoint.parquet`, JSON.stringify(checkpoint));
    const cleaned = { ...log, checkpointReader: jsonCheckpoints };
    expect(await Promise.all([10, 11.5, 12].map((at) => versionAt(cleaned, at)))).toEqual([3, 4, 5]);
    await expect(versionAt(cleaned, 9)).rejects.toMatchObject({ code: "VERSION_NOT_FOUND", details: { oldest: 3 } });
  });

  test("that were turned off again count no more than what later commits say of themselves", async () => {
    const { log } = await tableOf([...times, { own: 13 }, { own: 14 }]);
    expect(await Promise.all([11, 12, 13, 14].map((at) => versionAt(log, at)))).toEqual([4, 5, 6, 7]);
  });
});
