/** Reference cases of streaming tables: events in, rows and quarantine out, with an instance that dies in between. */
import { expect, test } from "vitest";
import { drop, fail, long, warn, type DataFrame, type Rules } from "../../../../shared/pipeline/index.ts";
import type { ColumnTypes } from "../../../../shared/plan/index.ts";
import {
  checkAnswer,
  checkEqualsQuery,
  checkFailure,
  checkQuarantine,
  checkStrategy,
  crash,
  PipelineTest,
  processAllAvailable,
  restart,
  type Action,
  type CrashPlace,
  type QuarantinedRow,
} from "../../../../shared/testing/index.ts";
import { arriving, brief, shop, startTime, streamOf, viewsOverViews, visits } from "./stream-inputs.ts";

const noVisit: QuarantinedRow = { reason: "MALFORMED", event_data: "no visit" };

interface StreamCase {
  readonly name: string;
  readonly stream: ReturnType<typeof streamOf>;
  /** The rows that each step adds, as lists of values in the order of the columns. */
  readonly added: readonly (readonly (readonly unknown[])[])[];
  /** All that is in quarantine in the end. */
  readonly quarantined: readonly QuarantinedRow[];
}

function streamCase<Types extends ColumnTypes>(
  name: string,
  query: DataFrame<Types>,
  added: StreamCase["added"],
  quarantined: readonly QuarantinedRow[] = [noVisit],
  expectations?: Rules<Types>,
): StreamCase {
  return { name, stream: streamOf(query, expectations), added, quarantined };
}

/** Every operator that a streaming table can have. */
const streamCases: readonly StreamCase[] = [
  streamCase(
    "project",
    brief.select(({ id, spent }) => ({ id, twice: spent.times(2) })),
    [
      [
        [1, 20],
        [2, 40],
        [3, 10],
      ],
      [
        [4, 14],
        [1, 20],
        [5, null],
      ],
      [
        [6, 10],
        [7, 2],
      ],
    ],
  ),
  streamCase("filter", brief.filter(({ spent }) => spent.gt(6)).select("id"), [[[1], [2]], [[4], [1]], []]),
  streamCase(
    "a cast that a row fails",
    brief.select(({ id, shop }) => ({ id, number: shop.cast(long()) })),
    [[], [[4, null]], []],
    [
      noVisit,
      ...["a", "a", "a", "a", "b", "c", "c"].map((shop): QuarantinedRow => ({
        reason: "MALFORMED",
        message: `cannot cast "${shop}" to bigint`,
      })),
    ],
  ),
  streamCase("explode", visits.explode("tag", ({ tags }) => tags).select("id", "tag"), [
    [
      [1, "x"],
      [1, "y"],
      [3, "x"],
    ],
    [
      [1, "x"],
      [1, "y"],
      [5, "z"],
      [5, null],
    ],
    [
      [6, "y"],
      [7, "x"],
    ],
  ]),
  streamCase("outer explode", visits.explode("tag", ({ tags }) => tags, { outer: true }).select("id", "tag"), [
    [
      [1, "x"],
      [1, "y"],
      [2, null],
      [3, "x"],
    ],
    [
      [4, null],
      [1, "x"],
      [1, "y"],
      [5, "z"],
      [5, null],
    ],
    [
      [6, "y"],
      [7, "x"],
    ],
  ]),
  streamCase("inner join with a table as it stands", brief.join(shop, "shop", "inner").select("id", "city"), [
    [
      [1, "Rome"],
      [2, "Rome"],
      [3, "Bonn"],
    ],
    [[1, "Rome"]],
    [
      [6, "Oslo"],
      [7, "Rome"],
    ],
  ]),
  streamCase("left join with a table as it stands", brief.join(shop, "shop", "left").select("id", "city"), [
    [
      [1, "Rome"],
      [2, "Rome"],
      [3, "Bonn"],
    ],
    [
      [4, null],
      [1, "Rome"],
      [5, null],
    ],
    [
      [6, "Oslo"],
      [7, "Rome"],
    ],
  ]),
  streamCase("semi join with a table as it stands", brief.join(shop, "shop", "semi").select("id"), [
    [[1], [2], [3]],
    [[1]],
    [[6], [7]],
  ]),
  streamCase("anti join with a table as it stands", brief.join(shop, "shop", "anti").select("id"), [
    [],
    [[4], [5]],
    [],
  ]),
  streamCase(
    "each once within the watermark, and what is late",
    visits.select("id", "at").withWatermark("at", "5 minutes").dropDuplicatesWithinWatermark(["id"]),
    [
      [
        [1, "2026-01-01T10:01:00Z"],
        [2, "2026-01-01T10:04:00Z"],
        [3, "2026-01-01T10:06:00Z"],
      ],
      [
        [4, "2026-01-01T10:11:00Z"],
        [5, "2026-01-01T10:09:00Z"],
      ],
      [[6, "2026-01-01T10:20:00Z"]],
    ],
    [noVisit, { reason: "LATE", row: { id: 7 } }],
  ),
  streamCase(
    "expectations",
    brief,
    [
      [
        [1, "a", 10],
        [2, "a", 20],
        [3, "b", 5],
      ],
      [[1, "a", 10]],
      [
        [6, "c", 5],
        [7, "a", 1],
      ],
    ],
    [
      noVisit,
      { reason: "EXPECTATION", rule: "has_shop", row: { id: 4 } },
      { reason: "EXPECTATION", rule: "has_spent", row: { id: 5 } },
    ],
    ({ shop, spent }) => ({
      has_shop: drop(shop.isNotNull()),
      has_spent: drop(spent.isNotNull()),
      much: warn(spent.gt(6)),
    }),
  ),
];

const places: readonly CrashPlace[] = ["offsets", 21, "outcome", 22, "sink", 23, "commit"];

/** A batch of the flow's own is hit where the place is named. */
function dying(at: CrashPlace, flow: string): readonly Action[] {
  return [crash({ at, flow: typeof at === "number" ? undefined : flow }), processAllAvailable(), restart()];
}

const cases = streamCases.map((each, index) => ({ ...each, place: places[index % places.length] as CrashPlace }));

test.each(cases)(
  "$name, with a death at $place",
  { timeout: 60_000 },
  async ({ stream: { table, pipeline }, added, quarantined, place }) => {
    expect(added).toHaveLength(arriving.length);
    const columns = Object.keys(table.schema.fields);
    const rowOf = (values: readonly unknown[]) => Object.fromEntries(columns.map((name, at) => [name, values[at]]));
    await using tested = await PipelineTest.open(pipeline, { startTime });
    for (const [step, { actions }] of arriving.entries()) {
      const soFar = added.slice(0, step + 1).flat();
      await tested.run([
        ...actions,
        ...(step > 0 ? dying(place, table.name) : []),
        processAllAvailable(),
        checkAnswer(table.name, soFar.map(rowOf), { columns }),
      ]);
    }
    await tested.run([checkQuarantine(table, quarantined)]);
  },
);

test("an expectation that must hold stops the stream before the batch, and lets it go on when the rule is another", async () => {
  const strict = streamOf(brief, ({ shop }) => ({ has_shop: fail(shop.isNotNull()) }));
  await using tested = await PipelineTest.open(strict.pipeline, { startTime });
  await tested.run([
    ...(arriving[0]?.actions ?? []),
    processAllAvailable(),
    ...(arriving[1]?.actions ?? []),
    processAllAvailable(),
    checkFailure(strict.table, "EXPECTATION_FAILED", /has_shop/),
    checkAnswer("silver.visits", [{ id: 1 }, { id: 2 }, { id: 3 }], { columns: ["id"] }),
  ]);
});

test.each(["outcome", "sink", 24] as const)(
  "a view over a view over a stream follows it, with a death of the upper one at %s",
  async (place) => {
    const { takings, alike, pipeline } = viewsOverViews();
    await using tested = await PipelineTest.open(pipeline, { startTime });
    const answers = [
      { takings: { a: 30, b: 5 }, alike: { 30: 1, 5: 1 } },
      { takings: { a: 40, b: 5, c: null, null: 7 }, alike: { 40: 1, 5: 1, null: 1, 7: 1 } },
      { takings: { a: 41, b: 5, c: 5, null: 7 }, alike: { 41: 1, 5: 2, 7: 1 } },
    ];
    const orNull = (text: string): string | null => (text === "null" ? null : text);
    for (const [step, { actions }] of arriving.entries()) {
      const { takings: took, alike: shops } = answers[step]!;
      await tested.run([
        ...actions,
        ...(step > 0 ? dying(place, alike.name) : []),
        processAllAvailable(),
        checkAnswer(
          takings,
          Object.entries(took).map(([shop, sum]) => ({ shop: orNull(shop), took: sum })),
        ),
        checkAnswer(
          alike,
          Object.entries(shops).map(([sum, count]) => ({
            took: orNull(sum) === null ? null : Number(sum),
            shops: count,
          })),
        ),
      ]);
    }
    await tested.run([checkEqualsQuery(), checkStrategy(takings, "merge-partials")]);
  },
);
