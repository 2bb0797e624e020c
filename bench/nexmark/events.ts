/**
 * The events of an online auction, as Nexmark describes them: of 50 events one is a person, three are auctions, 46 are bids. Many auctions
 * are of few sellers, many bids are on few auctions and by few bidders. Each event follows from the seed and its number alone, so that the
 * same events are there however they are cut into batches:
 *
 *     {"id":1007,"name":"Vicky Noris","emailAddress":"…","creditCard":"…","city":"Bend","state":"OR","dateTime":"2026-01-01T00:00:07.000Z","extra":"…"}
 */
import { seededRandom, type Random } from "../../shared/core/index.ts";

export interface Person {
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  /** ISO 8601 in UTC, to the millisecond; so are all times. */
  readonly dateTime: string;
  readonly extra: string;
}

export interface Auction {
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  /** Cents; so are all prices. */
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: string;
  readonly expires: string;
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
}

export interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: string;
  readonly extra: string;
}

/** Events by kind, each in the order of arrival. */
export interface Events {
  readonly persons: readonly Person[];
  readonly auctions: readonly Auction[];
  readonly bids: readonly Bid[];
}

export interface EventStream {
  readonly seed: number;
  /** How close events are in event time. */
  readonly eventsPerSecond: number;
  /** So many events that follow one another arrive in another order; 1 keeps the order. */
  readonly shuffled: number;
}

const startMs = Date.parse("2026-01-01T00:00:00Z");
const perEpoch = { persons: 1, auctions: 3, events: 50 } as const;
const first = { person: 1_000, auction: 1_000, category: 10 } as const;
const categories = 5;
/** References reach from so many entities before the newest one to so many after it, which are yet to come. */
const active = { persons: 1_000, auctions: 100 } as const;
const lead = 10;
/** One in so many entities is hot; of the hot ratio's n references n - 1 are to the newest hot one. */
const hotEvery = 100;
const hotRatio = { auction: 2, bidder: 4, seller: 4 } as const;
const hotChannels = ["Google", "Facebook", "Baidu", "Apple"] as const;
const channels = 10_000;
/** Bytes of an event on average, which `extra` fills up to. */
const bytes = { person: 200, auction: 500, bid: 100 } as const;

const givenNames = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const surnames = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const states = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const cities = [
  "Phoenix",
  "Los Angeles",
  "San Francisco",
  "Boise",
  "Portland",
  "Bend",
  "Redmond",
  "Seattle",
  "Kent",
  "Cheyenne",
];

/** The events that arrive at the places from `from` up to, but not with, `to`. The same for the same stream. */
export function eventsBetween(stream: EventStream, from: number, to: number): Events {
  const persons: Person[] = [];
  const auctions: Auction[] = [];
  const bids: Bid[] = [];
  for (let place = from; place < to; place++) {
    const number = numberAt(stream, place);
    const random = seededRandom(Math.imul(stream.seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca6b));
    const timeMs = startMs + Math.floor((number * 1_000) / stream.eventsPerSecond);
    const kind = number % perEpoch.events;
    if (kind < perEpoch.persons) persons.push(person(random, number, timeMs));
    else if (kind < perEpoch.persons + perEpoch.auctions) auctions.push(auction(random, number, timeMs, stream));
    else bids.push(bid(random, number, timeMs));
  }
  return { persons, auctions, bids };
}

/** Which event arrives at a place: within its group, places are spread by a factor that has no divisor in common with the group's size. */
function numberAt({ shuffled }: EventStream, place: number): number {
  if (shuffled <= 1) return place;
  const group = place - (place % shuffled);
  let factor = Math.floor(shuffled * 0.618) + 1;
  while (divisor(factor, shuffled) !== 1) factor++;
  return group + (((place % shuffled) * factor) % shuffled);
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** Persons and auctions that there are when an event happens, with its own. */
const personsAt = (number: number): number => Math.floor(number / perEpoch.events) + 1;
const auctionsAt = (number: number): number =>
  Math.floor(number / perEpoch.events) * perEpoch.auctions +
  Math.min(Math.max((number % perEpoch.events) - perEpoch.persons + 1, 0), perEpoch.auctions);

function person(random: Random, number: number, timeMs: number): Person {
  const [given, surname] = [oneOf(random, givenNames), oneOf(random, surnames)];
  const fields = {
    id: first.person + personsAt(number) - 1,
    name: `${given} ${surname}`,
    emailAddress: `${word(random, 7)}@${word(random, 5)}.com`,
    creditCard: Array.from({ length: 4 }, () => String(below(random, 10_000)).padStart(4, "0")).join(" "),
    city: oneOf(random, cities),
    state: oneOf(random, states),
    dateTime: isoTime(timeMs),
  };
  return { ...fields, extra: extra(random, bytes.person - 16 - textLength(fields)) };
}

function auction(random: Random, number: number, timeMs: number, { eventsPerSecond }: EventStream): Auction {
  const initialBid = price(random);
  const horizonMs = Math.floor((active.auctions * perEpoch.events * 1_000) / perEpoch.auctions / eventsPerSecond);
  const isHot = below(random, hotRatio.seller) > 0;
  const fields = {
    id: first.auction + auctionsAt(number) - 1,
    itemName: words(random, 20),
    description: words(random, 100),
    initialBid,
    reserve: initialBid + price(random),
    dateTime: isoTime(timeMs),
    expires: isoTime(timeMs + 1 + below(random, Math.max(horizonMs * 2, 1))),
    seller: isHot ? hot(first.person, personsAt(number)) : near(random, first.person, personsAt(number), "persons"),
    category: first.category + below(random, categories),
  };
  return { ...fields, extra: extra(random, bytes.auction - 40 - textLength(fields)) };
}

function bid(random: Random, number: number, timeMs: number): Bid {
  const onHot = below(random, hotRatio.auction) > 0;
  const byHot = below(random, hotRatio.bidder) > 0;
  const fields = {
    auction: onHot
      ? hot(first.auction, auctionsAt(number))
      : near(random, first.auction, auctionsAt(number), "auctions"),
    bidder: byHot ? hot(first.person, personsAt(number)) + 1 : near(random, first.person, personsAt(number), "persons"),
    price: price(random),
    ...channel(random),
    dateTime: isoTime(timeMs),
  };
  return { ...fields, extra: extra(random, bytes.bid - 24 - textLength(fields)) };
}

/** The newest one that is hot. */
const hot = (firstId: number, count: number): number => firstId + Math.floor((count - 1) / hotEvery) * hotEvery;

/** One of the newest, or one that is yet to come. */
function near(random: Random, firstId: number, count: number, kind: keyof typeof active): number {
  const known = Math.min(count, active[kind]);
  return firstId + count - known + below(random, known + lead);
}

function channel(random: Random): Pick<Bid, "channel" | "url"> {
  if (below(random, 2) > 0) {
    const which = below(random, hotChannels.length);
    return { channel: hotChannels[which] as string, url: urlOf(seededRandom(which)) };
  }
  const which = below(random, channels);
  const hasId = which % 10 > 0;
  const url = urlOf(seededRandom(hotChannels.length + which));
  return { channel: `channel-${which}`, url: hasId ? `${url}&channel_id=${Math.imul(which, 0x9e37_79b1) >>> 0}` : url };
}

const urlOf = (random: Random): string =>
  `https://www.nexmark.com/${word(random, 5)}/${word(random, 5)}/${word(random, 5)}/item.htm?query=1`;

/** From 1 to 1,000,000 of the currency, as many in each power of ten. */
const price = (random: Random): number => Math.round(10 ** (random.next() * 6) * 100);

const below = (random: Random, count: number): number => Math.floor(random.next() * count);
const oneOf = (random: Random, values: readonly string[]): string => values[below(random, values.length)] as string;
const isoTime = (ms: number): string => new Date(ms).toISOString();

const letters = "abcdefghijklmnopqrstuvwxyz";
const word = (random: Random, length: number): string =>
  Array.from({ length }, () => letters[below(random, letters.length)]).join("");

/** Text is cut out of one long piece of it: that is a hundred times as fast as drawing each letter. */
const poolLength = 65_536;
const pool = ((): string => {
  const random = seededRandom(1);
  return Array.from({ length: poolLength }, () => `${letters} `[below(random, letters.length + 1)]).join("");
})();

/** Up to so many letters and blanks, at least three. */
function words(random: Random, lengthMax: number): string {
  const length = 3 + below(random, lengthMax - 3);
  return cut(random, length).trim();
}

/** A fifth more or less than a length; nothing where there is no room. */
function extra(random: Random, length: number): string {
  if (length <= 0) return "";
  const spread = Math.round(length / 5);
  return cut(random, length - spread + below(random, 2 * spread + 1));
}

function cut(random: Random, length: number): string {
  const start = below(random, poolLength - length);
  return pool.slice(start, start + length);
}

const textLength = (fields: Readonly<Record<string, string | number>>): number =>
  Object.values(fields).reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
