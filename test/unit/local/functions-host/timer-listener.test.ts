import { expect, test, vi } from "vitest";

import { isDyneError, ManualClock, seededRandom, silentLogger } from "../../../../shared/core/index.ts";
import { parseHostJson } from "../../../../local/functions-host/index.ts";
import { parseSchedule, timerListener } from "../../../../local/functions-host/timer-listener.ts";

const monday = Date.parse("2026-11-23T00:00:00Z");

test.each([
  ["*/5 * * * * *", "2026-11-23T00:00:05Z"],
  ["0 */5 * * * *", "2026-11-23T00:05:00Z"],
  ["0 30 9 * * 1-5", "2026-11-23T09:30:00Z"],
  ["0 0 0 * * sun", "2026-11-29T00:00:00Z"],
  ["0 0 12 13 * 5", "2027-08-13T12:00:00Z"],
])("the schedule %s occurs next at %s, in UTC, day of month and day of week both", (expression, next) => {
  expect(new Date(parseSchedule(expression, "sweep").next(monday)).toISOString()).toBe(next.replace("Z", ".000Z"));
});

test.each(["*/5 * * * *", "@daily", "0 0 0 L * *", "61 * * * * *", "00:00:05", "0 0 0 31 2 *"])(
  "the schedule %s is refused",
  (expression) => {
    expect(() => parseSchedule(expression, "sweep")).toThrow(
      expect.toSatisfy((error) => isDyneError(error, "INVALID_SETTING") && error.message.includes("sweep")),
    );
  },
);

function listen(binding: object, handler: (payload: Record<string, unknown>) => Promise<void> | void, pastDue = false) {
  const clock = new ManualClock(monday + 1);
  const payloads: Record<string, unknown>[] = [];
  const listener = timerListener({
    functionName: "sweep",
    binding: { ...binding },
    hostJson: parseHostJson({ version: "2.0" }),
    settings: { SCHEDULE: "*/10 * * * * *" },
    pastDue,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    async invoke(data) {
      if (!("json" in data)) throw new Error("A timer's data is JSON.");
      const payload = JSON.parse(data.json) as Record<string, unknown>;
      payloads.push(payload);
      await handler(payload);
      return undefined;
    },
  });
  return { clock, listener, payloads };
}

test("a timer runs at its times only, and a failure does not end it", async () => {
  const { clock, listener, payloads } = listen({ schedule: "%SCHEDULE%" }, () => Promise.reject(new Error("no")));
  await listener.start();
  expect(payloads).toHaveLength(0);
  clock.advance(9_999);
  await vi.waitFor(() => expect(payloads).toHaveLength(1));
  clock.advance(10_000);
  await vi.waitFor(() => expect(payloads).toHaveLength(2));
  expect(payloads[0]).toEqual({ Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false });
  await listener.stop();
});

test("occurrences that pass while the function runs are left out, and a stop waits for the run", async () => {
  const finished = Promise.withResolvers<void>();
  const { clock, listener, payloads } = listen({ schedule: "%SCHEDULE%", runOnStartup: true }, () => finished.promise);
  await listener.start();
  expect(payloads).toHaveLength(1);
  clock.advance(35_000);
  const stopped = listener.stop();
  expect(payloads).toHaveLength(1);
  let done = false;
  void stopped.then(() => (done = true));
  await Promise.resolve();
  expect(done).toBe(false);
  finished.resolve();
  await stopped;
  expect(payloads).toHaveLength(1);
});

test("a schedule of a minute or more carries its status", async () => {
  const { clock, listener, payloads } = listen({ schedule: "0 */5 * * * *" }, () => {});
  await listener.start();
  for (const expected of [1, 2]) {
    clock.advance(300_000);
    await vi.waitFor(() => expect(payloads).toHaveLength(expected));
  }
  await listener.stop();
  expect(payloads[1]).toMatchObject({
    ScheduleStatus: { Last: "2026-11-23T00:05:00.001+00:00", Next: "2026-11-23T00:15:00.000+00:00" },
  });
});

test("a timer whose time may have passed while no host ran runs at once, past due, and then at its times", async () => {
  const { clock, listener, payloads } = listen({ schedule: "0 * * * * *" }, () => {}, true);
  await listener.start();
  await vi.waitFor(() => expect(payloads).toHaveLength(1));
  expect(payloads[0]).toMatchObject({ IsPastDue: true });
  await vi.waitFor(() => {
    clock.advance(10_000);
    expect(payloads).toHaveLength(2);
  });
  expect(clock.nowMs()).toBeGreaterThanOrEqual(monday + 60_000);
  expect(payloads[1]).toMatchObject({ IsPastDue: false });
  await listener.stop();
});
