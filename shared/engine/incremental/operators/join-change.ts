/**
 * Joins by their rules:
 *
 *     inner, cross           Δ(A ⋈ B) = ΔA ⋈ B(now) ∪ A(before) ⋈ ΔB
 *     left, semi, anti       Δ = J(ΔA, B(now)) ∪ J(A(before) of ΔB's keys, B(now)) − J(A(before) of ΔB's keys, B(before));  right mirrors left
 *     full                   rows of the keys that either side touches, as they are less as they were
 *
 * Sides are read by the keys of the other one's change, so that files which have none of them are left alone.
 */
import {
  columnsOf,
  joinColumns,
  mapExpression,
  schemaOf,
  type Expression,
  type Join,
  type JoinColumn,
  type LogicalPlan,
} from "../../../plan/index.ts";
import { column, project } from "../expressions.ts";
import { keyColumn } from "./accumulator.ts";
import {
  atHand,
  isChanged,
  onDemand,
  unionOf,
  valuesOfEither,
  type Changed,
  type Restriction,
  type RowsOnDemand,
  type TouchedValues,
} from "./changed.ts";
import { matchingPairs } from "./matching.ts";
import type { RefreshScope } from "./refresh-scope.ts";
import { followsFromEqual } from "./zero-sign.ts";

interface Sides {
  readonly left: Changed;
  readonly right: Changed;
}

type SideName = keyof Sides;

/** `name` names the steps of this place: keys are computed once, or the plan of a join of joins would double with each of them. */
export function joinChange(node: Join, sides: Sides, scope: RefreshScope, name: string): Changed {
  const schema = schemaOf(node);
  const shape = new JoinShape(node);
  const keysStep = (keys: LogicalPlan): LogicalPlan => scope.step(`${name}/keys`, keys);
  const all = (time: "now" | "before", restricted: readonly Restriction[] = []): LogicalPlan => {
    const of = (side: SideName): LogicalPlan => sides[side][time](shape.below(side, restricted));
    return over(node, of("left"), of("right"));
  };
  return {
    schema,
    ...delta(node, sides, keysStep),
    now: (restricted) => all("now", restricted),
    before: (restricted) => all("before", restricted),
    changedRows: undefined,
    valuesOf: (expression) => shape.valuesOf(expression, sides),
  };
}

const over = (node: Join, left: LogicalPlan, right: LogicalPlan): LogicalPlan => ({ ...node, left, right });

type KeysStep = (keys: LogicalPlan) => LogicalPlan;

function delta(node: Join, sides: Sides, keysStep: KeysStep): RowsOnDemand {
  if (!isChanged(sides.left) && !isChanged(sides.right)) return atHand(undefined, undefined);
  switch (node.type) {
    case "inner":
    case "cross":
      return bilinear(node, sides);
    case "full":
      return byKeys(node, sides, keysStep);
    default:
      return oneSided(node, sides, node.type === "right" ? "right" : "left", keysStep);
  }
}

function bilinear(node: Join, { left, right }: Sides): RowsOnDemand {
  return onDemand({ came: left.came || right.came, went: left.went || right.went }, (kind) => {
    const [a, b] = [left[kind](), right[kind]()];
    return unionOf([
      a && over(node, a, right.now(byOther(node, "right", left))),
      b && over(node, left.before(byOther(node, "left", right)), b),
    ]);
  });
}

/** `kept` is the side whose rows decide what there is; the other one only completes them, or lets them pass. */
function oneSided(node: Join, sides: Sides, kept: SideName, keysStep: KeysStep): RowsOnDemand {
  const other: SideName = kept === "left" ? "right" : "left";
  const [from, to] = [sides[kept], sides[other]];
  const joined = (ofKept: LogicalPlan, ofOther: LogicalPlan): LogicalPlan =>
    kept === "left" ? over(node, ofKept, ofOther) : over(node, ofOther, ofKept);
  const own = (kind: "added" | "removed"): LogicalPlan | undefined => {
    const rows = from[kind]();
    return rows && joined(rows, to.now(byOther(node, other, from)));
  };
  if (!isChanged(to)) return onDemand(from, own);
  const keys = once(() =>
    keysStep({
      kind: "distinct",
      input: unionOf([keysOf(node, to.added(), other), keysOf(node, to.removed(), other)]) as LogicalPlan,
    }),
  );
  const touched = (): LogicalPlan => ({
    kind: "join",
    type: "semi",
    left: from.before(byOther(node, kept, to)),
    right: keys(),
    on: node.on.map((pair, index) => ({ left: pair[kept], right: keyColumn(index) })),
    ...(node.nullSafe === undefined ? {} : { nullSafe: node.nullSafe }),
    dropRight: [],
  });
  const restricted = node.on.flatMap((pair) => {
    const values = to.valuesOf(column(pair[other]));
    return values === undefined ? [] : [{ column: pair[other], values }];
  });
  return onDemand({ came: true, went: true }, (kind) =>
    unionOf([own(kind), joined(touched(), kind === "added" ? to.now(restricted) : to.before(restricted))]),
  );
}

function byKeys(node: Join, sides: Sides, keysStep: KeysStep): RowsOnDemand {
  const keys = once(() => keysStep(touchedJoinKeys(node, sides)));
  return onDemand({ came: true, went: true }, (kind) =>
    joinOfKeys(node, sides, keys(), kind === "added" ? "now" : "before"),
  );
}

/** What came and what went share their keys. */
function once(make: () => LogicalPlan): () => LogicalPlan {
  let made: LogicalPlan | undefined;
  return () => (made ??= make());
}

/** The keys of rows that came to or went from either side, in columns `keyColumn`. */
export function touchedJoinKeys(node: Join, sides: Sides): LogicalPlan {
  const input = unionOf([
    keysOf(node, sides.left.added(), "left"),
    keysOf(node, sides.left.removed(), "left"),
    keysOf(node, sides.right.added(), "right"),
    keysOf(node, sides.right.removed(), "right"),
  ]) as LogicalPlan;
  return { kind: "distinct", input };
}

function keysOf({ on }: Join, rows: LogicalPlan | undefined, side: SideName): LogicalPlan | undefined {
  return (
    rows &&
    project(
      rows,
      on.map((pair, index) => [keyColumn(index), column(pair[side])]),
    )
  );
}

/** The join's rows of these keys. */
export function joinOfKeys(node: Join, sides: Sides, keys: LogicalPlan, time: "now" | "before"): LogicalPlan {
  const of = (side: SideName): LogicalPlan => {
    const restricted = node.on.flatMap((pair) => {
      const values = joinKeyValues(sides, pair);
      return values === undefined ? [] : [{ column: pair[side], values }];
    });
    return matchingPairs(
      "semi",
      sides[side][time](restricted),
      keys,
      node.on.map((pair, index) => ({ left: pair[side], right: keyColumn(index) })),
    );
  };
  return over(node, of("left"), of("right"));
}

/** The values of a pair in the rows that came or went on either side. */
export function joinKeyValues(sides: Sides, pair: Join["on"][number]): TouchedValues | undefined {
  const changed = (["left", "right"] as const).filter((side) => isChanged(sides[side]));
  return valuesOfEither(changed.map((side) => sides[side].valuesOf(column(pair[side]))));
}

/** What a side is asked for where only the other one's change is joined to it. */
function byOther(node: Join, side: SideName, other: Changed): readonly Restriction[] {
  const otherSide: SideName = side === "left" ? "right" : "left";
  return node.on.flatMap((pair) => {
    const values = other.valuesOf(column(pair[otherSide]));
    return values === undefined ? [] : [{ column: pair[side], values }];
  });
}

/** Which side a column of the join comes from, and what a value in it says of the sides. */
class JoinShape {
  readonly #node: Join;
  readonly #columns: ReadonlyMap<string, JoinColumn>;

  constructor(node: Join) {
    this.#node = node;
    this.#columns = new Map(
      joinColumns(node, schemaOf(node.left), schemaOf(node.right)).map((each) => [each.name, each]),
    );
  }

  /** What a side may leave out where rows of the join are asked for by values. The side that completes others is asked by key alone. */
  below(side: SideName, restricted: readonly Restriction[]): readonly Restriction[] {
    return restricted.flatMap(({ column: name, values }) => {
      const pair = this.#pairOf(name);
      if (pair !== undefined) return [{ column: pair[side], values }];
      const from = this.#columns.get(name);
      if (from?.side !== side || !this.#decides(side)) return [];
      return [{ column: from.column, values }];
    });
  }

  valuesOf(expression: Expression, sides: Sides): TouchedValues | undefined {
    const names = columnsOf(expression);
    const changed = (["left", "right"] as const).filter((side) => isChanged(sides[side]));
    const known = changed.map((side) => {
      const below = this.#expressionOf(side, expression);
      return below === undefined ? undefined : sides[side].valuesOf(below);
    });
    // A row of one side's change has any value in the columns of the other side, unless it is joined by it.
    return names.length === 0 ? undefined : valuesOfEither(known);
  }

  /** The expression over one side, where that has all of its columns, or their equals, and no row of the join is without that side. */
  #expressionOf(side: SideName, expression: Expression): Expression | undefined {
    const own = new Map<string, string>();
    if (!followsFromEqual(expression, schemaOf(this.#node))) return undefined;
    for (const name of columnsOf(expression)) {
      const pair = this.#pairOf(name);
      const from = this.#columns.get(name);
      if (pair !== undefined) own.set(name, pair[side]);
      else if (from?.side === side && this.#decides(side)) own.set(name, from.column);
      else return undefined;
    }
    return mapExpression(expression, (inner) =>
      inner.kind === "column" ? column(own.get(inner.name) as string) : undefined,
    );
  }

  /** The pair that a column is, where it has the key of every row of the join. */
  #pairOf(name: string): Join["on"][number] | undefined {
    const from = this.#columns.get(name);
    if (from === undefined) return undefined;
    const { type, on } = this.#node;
    if (from.side === "either") return on.find((pair) => pair.left === from.left && pair.right === from.right);
    const isWhole = type === "inner" || from.side === (type === "right" ? "right" : "left");
    if (type === "full" || !isWhole) return undefined;
    return on.find((pair) => pair[from.side] === from.column);
  }

  /** False for a side whose missing rows would be missed: an outer join would complete the other side's rows with NULL instead. */
  #decides(side: SideName): boolean {
    const { type } = this.#node;
    if (type === "inner" || type === "cross") return true;
    return type !== "full" && side === (type === "right" ? "right" : "left");
  }
}
