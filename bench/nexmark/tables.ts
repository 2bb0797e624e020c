/** The tables that the queries of Nexmark read: one for each kind of event, and the side input of query 13. */
import {
  files,
  long,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  timestamp,
} from "../../shared/pipeline/index.ts";
import type { Events } from "./events.ts";

const soon = { minInterval: "0 seconds" } as const;

const Person = struct({
  id: long(),
  name: string(),
  emailAddress: string(),
  creditCard: string(),
  city: string(),
  state: string(),
  dateTime: timestamp(),
  extra: string(),
});

const Auction = struct({
  id: long(),
  itemName: string(),
  description: string(),
  initialBid: long(),
  reserve: long(),
  dateTime: timestamp(),
  expires: timestamp(),
  seller: long(),
  category: long(),
  extra: string(),
});

const Bid = struct({
  auction: long(),
  bidder: long(),
  price: long(),
  channel: string(),
  url: string(),
  dateTime: timestamp(),
  extra: string(),
});

const Side = struct({ key: long(), value: string() });

const persons = streamingTable("nexmark.person", {
  ...soon,
  from: files("landing/person/**.jsonl", { format: "jsonl", schema: Person }),
});
const auctions = streamingTable("nexmark.auction", {
  ...soon,
  from: files("landing/auction/**.jsonl", { format: "jsonl", schema: Auction }),
});
const bids = streamingTable("nexmark.bid", {
  ...soon,
  from: files("landing/bid/**.jsonl", { format: "jsonl", schema: Bid }),
});
const side = streamingTable("nexmark.side_input", {
  ...soon,
  from: files("landing/side/**.jsonl", { format: "jsonl", schema: Side }),
});

export const eventTables = [persons, auctions, bids, side] as const;

const bidColumns = ["auction", "bidder", "price", "channel", "url", "dateTime", "extra"] as const;

/** What each query reads, as it stands. */
export const tables = {
  person: read(persons).select("id", "name", "emailAddress", "creditCard", "city", "state", "dateTime", "extra"),
  auction: read(auctions).select(
    "id",
    "itemName",
    "description",
    "initialBid",
    "reserve",
    "dateTime",
    "expires",
    "seller",
    "category",
    "extra",
  ),
  bid: read(bids).select(...bidColumns),
  side: read(side).select("key", "value"),
} as const;

/** The bids as they come. */
export const bidStream = readStream(bids).select(...bidColumns);

export type BidFrame = typeof tables.bid;

/** How many different keys the side input has. */
const sideKeys = 10_000;

/** Landed files by path, as JSON lines. A batch has a number, so that its files have other names than those of the batch before. */
export function landedEvents(
  batch: number,
  { persons: people, auctions: offers, bids: offered }: Events,
): Map<string, string> {
  const name = `${String(batch).padStart(6, "0")}.jsonl`;
  const all: readonly (readonly [string, readonly object[]])[] = [
    ["person", people],
    ["auction", offers],
    ["bid", offered],
  ];
  return new Map(
    all.filter(([, rows]) => rows.length > 0).map(([kind, rows]) => [`landing/${kind}/${name}`, jsonLines(rows)]),
  );
}

/** The side input as a landed file: each key with its text. */
export const landedSide = (): readonly [string, string] => [
  "landing/side/all.jsonl",
  jsonLines(Array.from({ length: sideKeys }, (_, key) => ({ key, value: String(key) }))),
];

const jsonLines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
