/** dyne/testing itself: that its actions do what they say, and that a check which fails says what is wrong. */
import { describe, expect, it, test } from "vitest";
import { bronzeAirports, bronzeFlights, flights, routeDaily, silverFlights } from "../../../pipelines/flights.ts";
import {
  binary,
  count,
  date,
  decimal,
  definePipeline,
  double,
  eventHub,
  files,
  long,
  map,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
} from "../../../shared/pipeline/index.ts";
import {
  addData,
  advanceTime,
  appendData,
  checkAnswer,
  checkEqualsQuery,
  checkFailure,
  checkLastBatch,
  checkQuarantine,
  checkStrategy,
  crash,
  deleteData,
  landFile,
  optimize,
  overwriteData,
  PipelineTest,
  processAllAvailable,
  refresh,
  reset,
  restart,
  updateData,
  type Action,
  type CrashPlace,
} from "../../../shared/testing/index.ts";

const orders = streamingTable("bronze.orders", {
  from: files("landing/orders/**.csv", {
    format: "csv",
    schema: struct({ id: long(), customer: string(), amount: decimal(10, 2), weight: double(), day: date() }),
  }),
});
const totals = materializedView("gold.totals", {
  query: read(orders)
    .groupBy("customer")
    .agg(({ amount, weight }) => ({ orders: count(), amount: sum(amount), weight: sum(weight) })),
});
const copies = streamingTable("silver.copies", { query: readStream(orders).select("id", "customer") });
const shop = definePipeline("shop", [orders, totals, copies]);

const three = [
  { id: 1, customer: "a", amount: "1.50", weight: 0.1, day: "2026-01-02" },
  { id: 2n, customer: "a", amount: "2.25", weight: 0.2, day: new Date("2026-01-03T00:00:00Z") },
  { id: 3, customer: null, amount: null, weight: null, day: null },
];
const ofThree = [
  { customer: "a", orders: 2, amount: "3.75", weight: 0.3 },
  { customer: null, orders: 1 },
];

async function tried(actions: readonly Action[]): Promise<void> {
  await using tested = await PipelineTest.open(shop);
  await tested.run(actions);
}

async function failureOf(actions: readonly Action[]): Promise<Error> {
  const error: unknown = await tried(actions).catch((thrown: unknown) => thrown);
  if (error instanceof Error) return error;
  throw new Error("nothing failed");
}

describe("rows that are added", () => {
  it("come through files of the table's format, and NULL stays NULL", () =>
    tried([
      addData(orders, three),
      processAllAvailable(),
      checkAnswer(orders, three),
      checkAnswer(totals, ofThree),
      checkStrategy(totals, "full"),
      addData(orders, [{ id: 4, customer: "", amount: 1, weight: 1.5 }]),
      processAllAvailable(),
      checkLastBatch(totals, [{ customer: "", orders: 1, amount: "1.00", weight: 1.5 }]),
      checkStrategy(totals, "merge-partials"),
    ]));

  it("come as events with what arrives beside their bodies", async () => {
    const events = streamingTable("bronze.events", { from: eventHub("events", { partitions: 2 }) });
    await using tested = await PipelineTest.open(definePipeline("hub", [events]), {
      startTime: "2026-05-01T00:00:00Z",
    });
    await tested.run([
      addData(events, ["text", { big: 2n ** 62n, at: new Date(0) }, new Uint8Array([255])]),
      advanceTime("1 hour"),
      addData(events, [{}], { partition: "1", partitionKey: "k", properties: { source: "x" } }),
      addData(events, [[]], { enqueuedTime: "2026-04-30T23:00:00Z" }),
      processAllAvailable(),
      checkAnswer(events, [
        { event_data: "text" },
        { event_data: '{"big":4611686018427387904,"at":"1970-01-01T00:00:00.000Z"}' },
        { event_data_binary: new Uint8Array([255]) },
        { event_data: "{}", partition_key: "k", properties: '{"source":"x"}' },
        { event_data: "[]" },
      ]),
      checkAnswer(
        events,
        [
          { partition: "0", sequence_number: 0, enqueued_time: "2026-05-01T00:00:00Z" },
          { partition: "0", sequence_number: 1, enqueued_time: "2026-05-01T00:00:00Z" },
          { partition: "0", sequence_number: 2, enqueued_time: "2026-05-01T00:00:00Z" },
          { partition: "1", sequence_number: 0, enqueued_time: "2026-05-01T01:00:00Z" },
          { partition: "0", sequence_number: 3, enqueued_time: "2026-04-30T23:00:00Z" },
        ],
        { columns: ["partition", "sequence_number", "enqueued_time"] },
      ),
    ]);
    await expect(tested.run([addData(events, [{ at: Number.NaN }])])).rejects.toThrow("rows[0].at is NaN, which JSON");
  });

  it("of every format are read as they were given", async () => {
    const schema = struct({
      n: long(),
      at: timestamp(),
      tags: map(string(), long()),
      place: struct({ city: string() }),
    });
    const lines = streamingTable("bronze.lines", {
      from: files("landing/lines/**.jsonl", { format: "jsonl", schema }),
    });
    const array = streamingTable("bronze.array", { from: files("landing/array/**", { format: "json", schema }) });
    const bytes = streamingTable("bronze.bytes", {
      from: files("landing/bytes/**.csv", { format: "csv", schema: struct({ raw: binary() }) }),
    });
    const rows = [
      {
        n: 2n ** 62n,
        at: "2026-01-01T00:00:00.123456Z",
        tags: new Map([
          ["a", 1n],
          ["b", 2n],
        ]),
        place: { city: "R" },
      },
      {},
    ];
    await using tested = await PipelineTest.open(definePipeline("formats", [lines, array, bytes]));
    const [first] = rows;
    const expected = [{ ...first, tags: { b: 2, a: 1 } }, {}];
    await tested.run([
      addData(lines, rows),
      addData(array, rows),
      processAllAvailable(),
      checkAnswer(lines, expected),
      checkAnswer(array, expected),
    ]);
    await expect(tested.run([addData(bytes, [{ raw: new Uint8Array() }])])).rejects.toThrow("landFile");
  });

  it("are refused where they are none of the table's, with their place", async () => {
    const typed: Action[] = [
      // @ts-expect-error No such column.
      addData(orders, [{ idd: 1 }]),
      // @ts-expect-error Not the column's type.
      checkAnswer(totals, [{ orders: "1" }]),
      // @ts-expect-error What a file says of itself is not given.
      addData(orders, [{ id: 1, file_name: "x" }]),
      // @ts-expect-error No such column.
      updateData(totals, { set: { order: 1 } }),
      // @ts-expect-error An event is no number.
      addData(bronzeFlights, [1]),
    ];
    expect(typed).toHaveLength(5);
    const error = await failureOf(typed.slice(0, 1));
    expect(error).toMatchObject({ code: "SCHEMA_MISMATCH" });
    expect(error.message).toContain('rows[0] has "idd"');
    expect(error.message).toContain("addData of bronze.orders, action 1 of 1, seed 1");
  });
});

describe("what others commit", () => {
  const settled = [appendData(orders, three), processAllAvailable()];

  it("changes views, by updates, deletes, overwrites and files that are put together", () =>
    tried([
      ...settled,
      checkAnswer(totals, ofThree),
      updateData(orders, { set: { amount: "0.25", customer: "b" }, where: ({ id }) => id.eq(2) }),
      processAllAvailable(),
      checkFailure(copies, "UPSTREAM_CHANGED", /silver\.copies/),
      checkLastBatch(totals, {
        added: [
          { customer: "a", orders: 1, amount: "1.50", weight: 0.1 },
          { customer: "b", orders: 1, amount: "0.25", weight: 0.2 },
        ],
        removed: [{ customer: "a", orders: 2, amount: "3.75", weight: 0.3 }],
      }),
      updateData(orders, { set: ({ weight }) => ({ weight: weight.plus(1) }), where: "id = 1" }),
      deleteData(orders, ({ id }) => id.eq(2)),
      appendData("bronze.orders", [{ id: 9, customer: "z" }]),
      optimize(orders),
      processAllAvailable(),
      checkAnswer("gold.totals", [
        { customer: "a", orders: 1, amount: "1.50", weight: 1.1 },
        { customer: null, orders: 1 },
        { customer: "z", orders: 1 },
      ]),
      overwriteData(orders, [{ id: 1, customer: "c", amount: "7.00" }]),
      processAllAvailable(),
      checkAnswer(totals, [{ customer: "c", orders: 1, amount: "7.00" }]),
      checkEqualsQuery(totals),
      checkEqualsQuery(),
    ]));

  it("has to change something", async () => {
    const nothing = deleteData(orders, "id = 77");
    expect((await failureOf([...settled, nothing])).message).toContain("deleteData of bronze.orders changed nothing");
    expect((await failureOf([...settled, optimize(orders)])).message).toContain("no two small files");
  });

  it("lets flows go on again after a reset, a refresh or a file that replaces another", () =>
    tried([
      ...settled,
      deleteData(orders, "id = 2"),
      processAllAvailable(),
      checkFailure(copies, "UPSTREAM_CHANGED"),
      reset(copies),
      refresh(totals),
      processAllAvailable(),
      checkAnswer(copies, [{ id: 1, customer: "a" }, { id: 3 }]),
      checkStrategy(totals, "full"),
      landFile("landing/orders/late/a.csv", "id,customer\n5,e\nsix,f\n"),
      processAllAvailable(),
      checkAnswer(copies, [{ id: 1, customer: "a" }, { id: 3 }, { id: 5, customer: "e" }, { customer: "f" }]),
    ]));
});

describe("an instance that dies", () => {
  const places: readonly CrashPlace[] = ["offsets", "outcome", "sink", "commit", 1, 2, 3, 4];

  test.each(places)("at %s leaves nothing undone and nothing done twice", (at) =>
    tried([
      addData(orders, three),
      crash({ at }),
      processAllAvailable(),
      restart(),
      processAllAvailable(),
      checkAnswer(totals, ofThree),
      addData(orders, three),
      crash({ at, flow: typeof at === "number" ? undefined : totals }),
      processAllAvailable(),
      restart(),
      processAllAvailable(),
      checkAnswer(totals, [
        { customer: "a", orders: 4, amount: "7.50", weight: 0.6 },
        { customer: null, orders: 2 },
      ]),
      restart(),
      processAllAvailable(),
      checkEqualsQuery(),
      checkAnswer(
        copies,
        [...three, ...three].map(({ id, customer }) => ({ id, customer })),
      ),
    ]),
  );

  it("has to be restarted, and has to die where it is said", async () => {
    const dead = await failureOf([
      addData(orders, three),
      crash({ at: "outcome" }),
      processAllAvailable(),
      processAllAvailable(),
    ]);
    expect(dead.message).toMatch(
      /died before putIfAbsent of checkpoints\/.*Put restart\(\) before processAllAvailable/,
    );
    const missed = await failureOf([processAllAvailable(), crash({ at: "outcome" }), processAllAvailable()]);
    expect(missed.message).toContain('was to die at "outcome" and did not');
  });

  it("dies once", async () => {
    const twice = await failureOf([addData(orders, three), crash({ at: "outcome" }), crash({ at: "sink" })]);
    expect(twice.message).toContain('A crash at "outcome" is still to come, and an instance dies once.');
  });

  it("has to be given something to die of before the test ends", async () => {
    const test = await PipelineTest.open(shop);
    await test.run([addData(orders, three), crash({ at: "outcome" })]);
    await expect(test[Symbol.asyncDispose]()).rejects.toThrow(
      /The instance was to die at "outcome", and nothing ran after that. Put processAllAvailable\(\) behind/,
    );
    const failed = await failureOf([crash({ at: "outcome" }), restart(), checkAnswer(totals, ofThree)]);
    expect(failed.message).toContain("gold.totals is not there yet");
  });
});

it("a file lands where a table is fed from, also one that its pattern leaves out, and nowhere else", async () => {
  await tried([landFile("landing/orders/notes.txt", "no orders"), processAllAvailable()]);
  const elsewhere = await failureOf([landFile("landing/order/a.csv", "id\n1\n")]);
  expect(elsewhere.message).toMatch(
    /No table of the pipeline shop is fed from "landing\/order\/a.csv": they are fed from landing\/orders\//,
  );
});

describe("a check that fails", () => {
  const settled = [addData(orders, three), processAllAvailable()];

  it("says which columns there are where it expects another", async () => {
    const misspelt = { customer: "a", order: 2 };
    const answer = await failureOf([...settled, checkAnswer("gold.totals", [misspelt])]);
    const told = `rows[0] expects "order", which is none of the columns of gold.totals that are compared: customer, orders, amount, weight. Is orders meant?`;
    expect(answer).toMatchObject({ code: "UNKNOWN_COLUMN", message: expect.stringContaining(told) });
    const batch = await failureOf([...settled, checkLastBatch("gold.totals", [misspelt])]);
    expect(batch.message).toContain(told);
  });

  it("shows which rows are missing and which are not expected, how they were computed, and where the test has it", async () => {
    const error = await failureOf([
      ...settled,
      checkAnswer(totals, [{ customer: "a", orders: 3, amount: "3.75", weight: 0.3 }]),
    ]);
    expect(error.message)
      .toBe(`gold.totals does not have the rows that are expected: 1 row is missing (-), 2 are not expected (+).

    customer  orders  amount  weight
  + NULL           1  NULL    NULL
  + a              2  3.75    0.30000000000000004
  - a              3  3.75                    0.3

The last batch of gold.totals was computed by full: this is the first build.
(checkAnswer of gold.totals, action 3 of 3, seed 1)`);
    expect(error.name).toBe("AssertionError");
    expect(error.stack?.split("\n").find((line) => line.includes("    at "))).toContain("pipeline-test.test.ts");
  });

  it("tells rows that are there too often, and floating-point values that differ by more than their order", async () => {
    const [a, none] = ofThree;
    const twice = await failureOf([...settled, checkAnswer(totals, [a!, a!, none!])]);
    expect(twice.message).toContain("1 row is missing (-), 2 are as expected");
    const heavier = await failureOf([...settled, checkAnswer(totals, [{ ...a!, weight: 0.300001 }, none!])]);
    expect(heavier.message).toContain("1 row is missing (-), 1 is not expected (+), 1 is as expected");
  });

  test.each<readonly [string, readonly Action[], string]>([
    [
      "a strategy",
      [checkStrategy(totals, "append")],
      "was not computed by append, but by full: this is the first build",
    ],
    ["a failure", [checkFailure(copies, "DATA_ERROR")], "but it runs, and has not failed"],
    ["a quarantine", [checkQuarantine(copies, [{ reason: "LATE" }])], "1 row is missing (-)"],
    ["a last batch", [checkLastBatch(totals, [])], "The last run added other rows of gold.totals than are expected"],
    ["a table that is not there", [checkAnswer("gold.total", [])], "Is gold.totals meant?"],
    ["a column that is not there", [checkAnswer("gold.totals", [], { columns: ["x"] })], 'has no column "x"'],
    ["the query of a streaming table", [checkEqualsQuery(copies)], "is a streaming table"],
    [
      "a failure that nobody expected",
      [deleteData(orders, "id = 1"), processAllAvailable()],
      'silver.copies failed with UPSTREAM_CHANGED: .*put checkFailure("silver.copies", "UPSTREAM_CHANGED") behind it',
    ],
  ])("of %s says so", async (_what, actions, message) => {
    const parts = message.split(".*");
    for (const part of parts) expect((await failureOf([...settled, ...actions])).message).toContain(part);
  });
});

it("the same actions give the same rows and numbers of batches, whatever ran before", async () => {
  const seen = async () => {
    await using tested = await PipelineTest.open(flights, { startTime: "2001-01-01T06:00:00Z", seed: 7 });
    const flight = {
      flight_id: "F1",
      date: "2001-01-01T00:01:00Z",
      delay: 3,
      distance: 5,
      origin: "LAS",
      destination: "PHL",
    };
    await tested.run([
      addData(bronzeAirports, [{ iata: "LAS", state: "NV" }]),
      addData(bronzeFlights, [flight, { ...flight, origin: "ZZZ" }, flight]),
      crash({ at: 5 }),
      processAllAvailable(),
      restart(),
      processAllAvailable(),
      checkQuarantine(silverFlights, [{ reason: "EXPECTATION", rule: "known_airport", row: { origin: "ZZZ" } }]),
    ]);
    return { rows: await tested.rows(routeDaily), raw: await tested.rows(bronzeFlights), now: tested.now() };
  };
  const first = await seen();
  expect(first.rows).toHaveLength(1);
  expect(await seen()).toEqual(first);
});

describe("a test of what is none is refused, and does not pass", () => {
  const pipeline = definePipeline("given", [orders, totals]);
  const open = (...given: readonly unknown[]): Promise<unknown> =>
    (PipelineTest.open as (...args: readonly unknown[]) => Promise<unknown>)(...given);
  const run = async (actions: unknown): Promise<void> => {
    await using given = await PipelineTest.open(pipeline);
    await given.run(actions as readonly Action[]);
  };
  const rows = (of: unknown) => async () => run([(of as (...args: readonly unknown[]) => Action)(orders, { id: 1 })]);

  test.each<readonly [string, () => Promise<unknown>, string]>([
    ["no pipeline", () => open(), "PipelineTest.open is given undefined. Give a pipeline"],
    ["a list of pipelines", () => open([pipeline]), "PipelineTest.open is given a list"],
    ["an option misspelt", () => open(pipeline, { starttime: "2001-01-01T06:00:00Z" }), "Did you mean startTime?"],
    ["a seed of text", () => open(pipeline, { seed: "a" }), 'seed is "a". Give a whole number.'],
    ["one action without a list", () => run(processAllAvailable()), "run is given an object. Give a list of actions"],
    [
      "an action that is not called",
      () => run([processAllAvailable]),
      "Action 1 of 1 is a function, not an action. Call it: processAllAvailable(…).",
    ],
    ["a promise", () => run([Promise.resolve()]), "Action 1 of 1 is a promise, not an action."],
    ["nothing", () => run([processAllAvailable(), undefined]), "Action 2 of 2 is undefined, not an action."],
    ["one row that comes", rows(addData), "addData is given an object as rows. Give a list, also of one."],
    ["one row that others append", rows(appendData), "appendData is given an object as rows."],
    ["one row that others write", rows(overwriteData), "overwriteData is given an object as rows."],
    ["one row that is expected", rows(checkAnswer), "checkAnswer is given an object as rows."],
  ])("%s", async (_what, work, says) => {
    await expect(work()).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(says) as string,
    });
  });
});
