/**
 * The queries of Nexmark, each as a batch query over the tables of events. Windows of time are half-open and start at whole multiples of
 * their length. Left out is query 12, which counts bids by the time at which they are worked on: no query over tables has that answer.
 */
import {
  avg,
  count,
  countDistinct,
  countIf,
  dateFormat,
  decimal,
  hour,
  lag,
  length,
  lit,
  long,
  lower,
  materializedView,
  max,
  min,
  regexpExtract,
  replace,
  rowNumber,
  splitPart,
  streamingTable,
  string,
  sum,
  toDate,
  unixMicros,
  when,
  window,
  type Column,
  type ColumnTypes,
  type DataFrame,
  type DeclaredTable,
} from "../../shared/pipeline/index.ts";
import type { LongType } from "../../shared/plan/index.ts";
import { bidStream, tables, type BidFrame } from "./tables.ts";

const { person, auction, bid, side } = tables;
const second = 1_000_000;
const text = (value: string) => lit(value, string());

/** The bids of each auction while it ran, beside its columns. */
const bidsInTime = auction
  .join(
    bid.select(({ auction: of, bidder, price, dateTime, extra }) => ({
      of,
      bidder,
      price,
      bidTime: dateTime,
      bidExtra: extra,
    })),
    [{ left: "id", right: "of" }],
  )
  .filter(({ bidTime, dateTime, expires }) => bidTime.ge(dateTime).and(bidTime.le(expires)));

/** The highest bid of each auction, the first of equal ones. */
const winningBids = bidsInTime
  .withColumns(({ id, price, bidTime }) => ({
    place: rowNumber().over({ partitionBy: [id], orderBy: [price.desc(), bidTime] }),
  }))
  .filter(({ place }) => place.eq(1))
  .drop("place");

/** Bids on each auction in windows of ten seconds, one every two seconds. */
const bidsPerWindow = bid
  .groupBy(({ auction: of, dateTime }) => ({ auction: of, window: window(dateTime, "10 seconds", "2 seconds") }))
  .agg(() => ({ bids: count() }))
  .select(({ auction: of, window: { fields }, bids }) => ({ auction: of, starts: fields.start, bids }));

/** The same facts of different groups of bids. */
const ranked = ({ price, bidder, auction: of }: BidFrame["columns"]) => {
  const low = price.lt(10_000);
  const middle = price.ge(10_000).and(price.lt(1_000_000));
  const high = price.ge(1_000_000);
  return {
    total_bids: count(),
    rank1_bids: countIf(low),
    rank2_bids: countIf(middle),
    rank3_bids: countIf(high),
    total_bidders: countDistinct(bidder),
    rank1_bidders: countDistinct(bidder).filter(low),
    rank2_bidders: countDistinct(bidder).filter(middle),
    rank3_bidders: countDistinct(bidder).filter(high),
    total_auctions: countDistinct(of),
    rank1_auctions: countDistinct(of).filter(low),
    rank2_auctions: countDistinct(of).filter(middle),
    rank3_auctions: countDistinct(of).filter(high),
  };
};

const inEuros = (price: Column<LongType>) => price.cast(decimal(18, 0)).times(lit("0.908", decimal(4, 3)));

/** Queries that make rows of bids one by one: over the table of bids, and over the stream of them. */
const rowQueries = {
  /** Pass through. */
  q0: (bids: BidFrame) => bids.select("auction", "bidder", "price", "dateTime", "extra"),
  /** Another currency. */
  q1: (bids: BidFrame) =>
    bids.select(({ auction: of, bidder, price, dateTime, extra }) => ({
      auction: of,
      bidder,
      price: inEuros(price),
      dateTime,
      extra,
    })),
  /** Bids on some auctions. */
  q2: (bids: BidFrame) => bids.filter(({ auction: of }) => of.modulo(123).eq(0)).select("auction", "price"),
  /** Files by day and minute. */
  q10: (bids: BidFrame) =>
    bids.select(({ auction: of, bidder, price, dateTime, extra }) => ({
      auction: of,
      bidder,
      price,
      dateTime,
      extra,
      dt: dateFormat(dateTime, "yyyy-MM-dd"),
      hm: dateFormat(dateTime, "HH:mm"),
    })),
  /** Each bid with its key's value of the side input. */
  q13: (bids: BidFrame) =>
    bids
      .select(({ auction: of, bidder, price, dateTime }) => ({
        auction: of,
        bidder,
        price,
        dateTime,
        key: of.modulo(10_000),
      }))
      .join(side, "key")
      .drop("key"),
  /** Computed columns. */
  q14: (bids: BidFrame) =>
    bids
      .withColumns(({ price, dateTime }) => ({ price: inEuros(price), at: hour(dateTime) }))
      .filter(({ price }) => price.gt("1000000").and(price.lt("50000000")))
      .select(({ auction: of, bidder, price, at, dateTime, extra }) => ({
        auction: of,
        bidder,
        price,
        bidTimeType: when(at.ge(8).and(at.le(18)), text("dayTime"))
          .when(at.le(6).or(at.ge(20)), text("nightTime"))
          .otherwise("otherTime"),
        dateTime,
        extra,
        c_counts: length(extra).minus(length(replace(extra, "c", ""))),
      })),
  /** The id of each bid's channel: of the well-known ones by name, of others out of the URL. */
  q21: (bids: BidFrame) =>
    bids
      .select(({ auction: of, bidder, price, channel, url }) => ({
        auction: of,
        bidder,
        price,
        channel,
        channel_id: when(lower(channel).eq("apple"), text("0"))
          .when(lower(channel).eq("google"), text("1"))
          .when(lower(channel).eq("facebook"), text("2"))
          .when(lower(channel).eq("baidu"), text("3"))
          .otherwise(regexpExtract(url, "(&|^)channel_id=([^&]*)", 2)),
      }))
      .filter(({ channel_id }) => channel_id.ne("")),
  /** Folders of the URL. */
  q22: (bids: BidFrame) =>
    bids.select(({ auction: of, bidder, price, channel, url }) => ({
      auction: of,
      bidder,
      price,
      channel,
      dir1: splitPart(url, "/", 4),
      dir2: splitPart(url, "/", 5),
      dir3: splitPart(url, "/", 6),
    })),
} as const;

/** Queries that look at more than one row. */
const wideQueries = {
  /** Who sells in a category, in some states. */
  q3: auction
    .filter(({ category }) => category.eq(10))
    .select(({ id, seller }) => ({ auction: id, seller }))
    .join(
      person
        .filter(({ state }) => state.isin("OR", "ID", "CA"))
        .select(({ id, name, city, state }) => ({ person: id, name, city, state })),
      [{ left: "seller", right: "person" }],
    )
    .select("name", "city", "state", "auction"),
  /** The mean of the winning prices of a category. */
  q4: bidsInTime
    .groupBy("id", "category")
    .agg(({ price }) => ({ final: max(price) }))
    .groupBy("category")
    .agg(({ final }) => ({ average: avg(final) })),
  /** The auctions with the most bids of each window. */
  q5: bidsPerWindow
    .join(
      bidsPerWindow.groupBy("starts").agg(({ bids }) => ({ most: max(bids) })),
      "starts",
    )
    .filter(({ bids, most }) => bids.ge(most))
    .select("starts", "auction", "bids"),
  /** The mean of each seller's last eleven winning prices. */
  q6: winningBids.select(({ seller, price, bidTime }) => ({
    seller,
    bidTime,
    price,
    average: avg(price).over({ partitionBy: [seller], orderBy: [bidTime], rows: { from: -10, to: 0 } }),
  })),
  /** The highest bids of each ten seconds. */
  q7: bid
    .withColumns(({ dateTime }) => ({ starts: window(dateTime, "10 seconds").fields.start }))
    .join(
      bid
        .groupBy(({ dateTime }) => ({ starts: window(dateTime, "10 seconds").fields.start }))
        .agg(({ price }) => ({ price: max(price) })),
      ["starts", "price"],
    )
    .select("auction", "price", "bidder", "dateTime", "extra"),
  /** Who came and sold within the same ten seconds. */
  q8: person
    .groupBy(({ id, name, dateTime }) => ({ id, name, starts: window(dateTime, "10 seconds").fields.start }))
    .agg(() => ({ persons: count() }))
    .join(
      auction
        .groupBy(({ seller, dateTime }) => ({ id: seller, starts: window(dateTime, "10 seconds").fields.start }))
        .agg(() => ({ auctions: count() })),
      ["id", "starts"],
    )
    .select("id", "name", "starts"),
  /** The winning bid of each auction. */
  q9: winningBids,
  /** Each bidder's sessions, which end where nothing comes for ten seconds. */
  q11: bid
    .select("bidder", "dateTime")
    .withColumns(({ bidder, dateTime }) => ({
      before: lag(dateTime).over({ partitionBy: [bidder], orderBy: [dateTime] }),
    }))
    .withColumns(({ dateTime, before }) => ({
      isFirst: when(
        before.isNull().or(
          unixMicros(dateTime)
            .minus(unixMicros(before))
            .gt(10 * second),
        ),
        lit(1, long()),
      ).otherwise(0),
    }))
    .withColumns(({ bidder, dateTime, isFirst }) => ({
      session: sum(isFirst).over({ partitionBy: [bidder], orderBy: [dateTime] }),
    }))
    .groupBy("bidder", "session")
    .agg(({ dateTime }) => ({ bid_count: count(), starttime: min(dateTime), last: max(dateTime) }))
    .select(({ bidder, bid_count, starttime, last }) => ({
      bidder,
      bid_count,
      starttime,
      endtime: last.plusSeconds(10),
    })),
  /** Bids, bidders and auctions of a day, by the rank of the price. */
  q15: bid.groupBy(({ dateTime }) => ({ day: toDate(dateTime) })).agg(ranked),
  /** The same of a channel on a day, and its last minute. */
  q16: bid
    .groupBy(({ channel, dateTime }) => ({ channel, day: toDate(dateTime) }))
    .agg((columns) => ({ minute: max(dateFormat(columns.dateTime, "HH:mm")), ...ranked(columns) })),
  /** Bids on an auction on a day. */
  q17: bid
    .groupBy(({ auction: of, dateTime }) => ({ auction: of, day: toDate(dateTime) }))
    .agg(({ price }) => ({
      total_bids: count(),
      rank1_bids: countIf(price.lt(10_000)),
      rank2_bids: countIf(price.ge(10_000).and(price.lt(1_000_000))),
      rank3_bids: countIf(price.ge(1_000_000)),
      min_price: min(price),
      max_price: max(price),
      avg_price: avg(price),
      sum_price: sum(price),
    })),
  /** The last bid of each bidder on each auction. */
  q18: bid.topK({ by: ["bidder", "auction"], orderBy: ({ dateTime }) => [dateTime.desc()], count: 1 }),
  /** The ten highest bids on each auction. */
  q19: bid
    .withColumns(({ auction: of, price }) => ({
      rank_number: rowNumber().over({ partitionBy: [of], orderBy: [price.desc()] }),
    }))
    .filter(({ rank_number }) => rank_number.le(10)),
  /** Bids beside their auctions of a category. */
  q20: bid
    .select(({ auction: of, bidder, price, channel, url, dateTime, extra }) => ({
      auction: of,
      bidder,
      price,
      channel,
      url,
      bidTime: dateTime,
      bidExtra: extra,
    }))
    .join(
      auction.filter(({ category }) => category.eq(10)),
      [{ left: "auction", right: "id" }],
    ),
} as const;

/** A query as a table of a pipeline. */
export interface Query {
  readonly name: string;
  /** As a view, under a name of its own. */
  readonly view: (options?: ViewOptions) => DeclaredTable;
  /** As a streaming table over the bids; undefined where the query looks at more than single rows. */
  readonly stream?: () => DeclaredTable;
}

export interface ViewOptions {
  /** What the view's name ends with. */
  readonly suffix?: string;
  readonly refresh?: DeclaredTable["refresh"];
}

const soon = { minInterval: "0 seconds" } as const;
const partitions: Readonly<Record<string, readonly string[]>> = { q10: ["dt", "hm"] };

/** All of them, by number. */
export const queries: readonly Query[] = [
  ...Object.entries(rowQueries).map(([name, query]): Query => ({
    name,
    view: viewOf(name, query(bid) as DataFrame<ColumnTypes>),
    stream: () =>
      streamingTable(`nexmark.${name}_stream`, {
        ...soon,
        query: query(bidStream) as DataFrame<ColumnTypes>,
        partitionBy: partitions[name] ?? [],
      }),
  })),
  ...Object.entries(wideQueries).map(([name, query]): Query => ({
    name,
    view: viewOf(name, query as DataFrame<ColumnTypes>),
  })),
].toSorted((a, b) => Number(a.name.slice(1)) - Number(b.name.slice(1)));

function viewOf(name: string, query: DataFrame<ColumnTypes>): Query["view"] {
  return ({ suffix = "", refresh = "auto" } = {}) =>
    materializedView(`nexmark.${name}${suffix}`, { ...soon, query, refresh, partitionBy: partitions[name] ?? [] });
}
