import { describe, expect, it } from "vitest";
import { eventsBetween, type Events, type EventStream } from "../../../bench/nexmark/events.ts";
import { perSecond } from "../../../bench/nexmark/sample.ts";

const inOrder: EventStream = { seed: 3, eventsPerSecond: 100, shuffled: 1 };
const shuffled: EventStream = { ...inOrder, shuffled: 70 };
const count = 10_000;

const timesOf = ({ bids }: Events): readonly number[] => bids.map(({ dateTime }) => Date.parse(dateTime));
const meanBytes = (rows: readonly object[]): number =>
  rows.reduce((sum, row) => sum + Object.values(row).join("").length, 0) / rows.length;

/** The share of values for which something is true. */
function shareOf<T>(values: readonly T[], isMeant: (value: T) => boolean): number {
  return values.filter(isMeant).length / values.length;
}

describe("the events of Nexmark", () => {
  const events = eventsBetween(inOrder, 0, count);

  it("are one person, three auctions and 46 bids of every fifty, with ids that follow one another", () => {
    expect(events.persons.length).toBe(count / 50);
    expect(events.auctions.length).toBe((count / 50) * 3);
    expect(events.bids.length).toBe((count / 50) * 46);
    expect(events.persons.map(({ id }) => id)).toEqual(events.persons.map((_, index) => 1_000 + index));
    expect(events.auctions.map(({ id }) => id)).toEqual(events.auctions.map((_, index) => 1_000 + index));
  });

  it("are the same however they are cut, and others with another seed", () => {
    const cut = [0, 1, 777, 5_000].map((from, index, all) => eventsBetween(shuffled, from, all[index + 1] ?? 6_000));
    const whole = eventsBetween(shuffled, 0, 6_000);
    for (const kind of ["persons", "auctions", "bids"] as const)
      expect(cut.flatMap((part) => part[kind] as readonly object[])).toEqual(whole[kind]);
    expect(eventsBetween({ ...shuffled, seed: 4 }, 0, 6_000)).not.toEqual(whole);
  });

  it("that are shuffled are those in order, of which each stays within its group", () => {
    const [these, those] = [eventsBetween(shuffled, 0, 7_000), eventsBetween(inOrder, 0, 7_000)];
    const texts = ({ bids }: Events): readonly string[] => bids.map((bid) => JSON.stringify(bid)).toSorted();
    expect(texts(these)).toEqual(texts(those));
    const times = timesOf(these);
    let newest = 0;
    const late = times.map((time) => (newest = Math.max(newest, time)) - time);
    expect(Math.max(...late)).toBeGreaterThan(0);
    expect(Math.max(...late)).toBeLessThan((70 / 100) * 1_000);
    expect(timesOf(those)).toEqual(timesOf(those).toSorted((a, b) => a - b));
  });

  it("are as close in time as asked for", () => {
    const times = timesOf(events);
    expect(Math.max(...times) - Math.min(...times)).toBeCloseTo((count / 100) * 1_000, -3);
  });

  it("are mostly of a few: half of the bids on hot auctions, three quarters of bids and auctions by hot persons", () => {
    expect(shareOf(events.bids, ({ auction }) => auction % 100 === 0)).toBeCloseTo(0.5, 1);
    expect(shareOf(events.bids, ({ bidder }) => bidder % 100 === 1)).toBeCloseTo(0.75, 1);
    expect(shareOf(events.auctions, ({ seller }) => seller % 100 === 0)).toBeCloseTo(0.75, 1);
    expect(shareOf(events.bids, ({ channel }) => !channel.startsWith("channel-"))).toBeCloseTo(0.5, 1);
  });

  it("have prices of which each power of ten has as many, and are as long as Nexmark says", () => {
    expect(shareOf(events.bids, ({ price }) => price < 10_000)).toBeCloseTo(1 / 3, 1);
    expect(shareOf(events.bids, ({ price }) => price >= 1_000_000)).toBeCloseTo(1 / 3, 1);
    expect(events.auctions.every(({ expires, dateTime }) => expires > dateTime)).toBe(true);
    expect(meanBytes(events.persons)).toBeCloseTo(200, -2);
    expect(meanBytes(events.auctions)).toBeCloseTo(500, -2);
  });
});

it("events a second are those of a thousand milliseconds", () => {
  expect(perSecond(500, 250)).toBe(2_000);
});
