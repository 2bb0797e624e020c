/** Views of the sales of `view-sales.ts` that look at more than single rows and their groups: joins of every kind, windows, unions. */
import {
  collectList,
  count,
  countDistinct,
  lag,
  materializedView,
  max,
  min,
  rank,
  read,
  rowNumber,
  sum,
  type DeclaredTable,
} from "../../shared/pipeline/index.ts";
import { sales } from "./view-sales.ts";

const soon = { minInterval: "0 seconds" } as const;
const rows = read(sales);
const perShop = rows
  .groupBy("shop")
  .agg(({ amount, day }) => ({ most: max(amount), total: sum(amount), first: min(day) }));
const perItem = rows.groupBy("item").agg(({ shop, amount }) => ({ shops: countDistinct(shop), sold: count(amount) }));
const prices = rows.filter(({ amount }) => amount.gt(2)).select(({ item, price }) => ({ item, price }));

export const relatedViews = {
  withBest: materializedView("gold.with_best", {
    ...soon,
    query: rows.select(({ shop, item, amount }) => ({ shop, item, amount })).join(perShop, "shop"),
    partitionBy: ["shop"],
  }),
  sameDay: materializedView("gold.same_day", {
    ...soon,
    query: rows
      .select(({ day, shop, item }) => ({ day, shop, item }))
      .join(
        rows.select(({ day, shop, amount }) => ({ day, place: shop, amount })),
        "day",
      ),
    partitionBy: ["day"],
  }),
  leftPrices: materializedView("gold.left_prices", {
    ...soon,
    query: rows.select(({ item, day }) => ({ item, day })).join(prices.distinct(), "item", "left"),
  }),
  rightItems: materializedView("gold.right_items", {
    ...soon,
    query: prices.join(perItem, "item", "right").select(({ item, price, shops }) => ({ item, price, shops })),
  }),
  eitherItem: materializedView("gold.either_item", {
    ...soon,
    query: perItem.join(
      rows
        .filter(({ amount }) => amount.gt(4))
        .groupBy("item")
        .agg(() => ({ large: count() })),
      "item",
      "full",
    ),
  }),
  ofBusyShops: materializedView("gold.of_busy_shops", {
    ...soon,
    query: rows
      .select(({ shop, item }) => ({ shop, item }))
      .join(
        perShop.filter(({ total }) => total.gt(9)),
        "shop",
        "semi",
      ),
  }),
  withoutLarge: materializedView("gold.without_large", {
    ...soon,
    query: rows
      .select(({ shop, day }) => ({ shop, day }))
      .join(
        rows.filter(({ amount }) => amount.gt(5)),
        "shop",
        "anti",
      )
      .groupBy("day")
      .agg(({ shop }) => ({ shops: countDistinct(shop), rows: count() })),
  }),
  together: materializedView("gold.together", {
    ...soon,
    query: rows
      .select(({ shop, day, item }) => ({ shop, day, item }))
      .join(
        rows.select(({ shop, day, item }) => ({ place: shop, on: day, other: item })),
        [
          { left: "shop", right: "place" },
          { left: "day", right: "on" },
        ],
      )
      .filter(({ item, other }) => item.lt(other))
      .groupBy("item", "other")
      .agg(() => ({ times: count() })),
  }),
  sharePerShop: materializedView("gold.share_per_shop", {
    ...soon,
    query: rows
      .select(({ shop, amount }) => ({ shop, amount }))
      .crossJoin(rows.groupBy().agg(({ amount }) => ({ all: sum(amount) })))
      .groupBy("shop")
      .agg(({ amount, all }) => ({ own: sum(amount), all: max(all) })),
  }),
  ranks: materializedView("gold.ranks", {
    ...soon,
    query: rows
      .select(({ shop, item, amount }) => ({ shop, item, amount }))
      .withColumns(({ shop, amount }) => ({
        place: rank().over({ partitionBy: [shop], orderBy: [amount.desc()] }),
        before: lag(amount).over({ partitionBy: [shop], orderBy: [amount] }),
        sum: sum(amount).over({ partitionBy: [shop] }),
      })),
  }),
  topItems: materializedView("gold.top_items", {
    ...soon,
    query: rows
      .groupBy("shop", "item")
      .agg(({ amount }) => ({ sold: sum(amount) }))
      .withColumns(({ shop, sold }) => ({ n: rowNumber().over({ partitionBy: [shop], orderBy: [sold.desc()] }) }))
      .filter(({ n }) => n.le(2))
      .select(({ shop, item, sold }) => ({ shop, item, sold }))
      .groupBy("item")
      .agg(({ shop, sold }) => ({ shops: collectList(shop), sold: sum(sold) })),
  }),
  everything: materializedView("gold.everything", {
    ...soon,
    query: rows
      .groupBy("shop")
      .agg(({ amount }) => ({ amount: sum(amount) }))
      .select(({ shop, amount }) => ({ name: shop, amount }))
      .union(rows.select(({ item, amount }) => ({ name: item, amount })))
      .union(rows.select(({ item, amount }) => ({ name: item, amount })).distinct()),
  }),
  oneADay: materializedView("gold.one_a_day", { ...soon, query: rows.drop("weight").dropDuplicates(["day"]) }),
  keylessGroups: materializedView("gold.keyless_groups", {
    ...soon,
    query: rows
      .groupBy("shop", "day")
      .agg(({ amount }) => ({ total: sum(amount), sales: count() }))
      .select(({ day, total, sales: number }) => ({ day, total, sales: number })),
  }),
} satisfies Readonly<Record<string, DeclaredTable>>;
