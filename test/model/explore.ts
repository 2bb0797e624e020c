/** Explores every state of a model, shortest paths first. */

export interface Move<State> {
  /** Who did what, for the trace. */
  label(): string;
  readonly next: State;
  /** A fault may happen; that it does is never relied upon. */
  readonly isFault: boolean;
}

export interface Model<State> {
  readonly initial: State;
  /** Equal for states that will act the same. */
  keyOf(state: State): string;
  /** In an order that depends on the state alone. */
  movesOf(state: State): readonly Move<State>[];
  /** What is wrong with a state; undefined for nothing. */
  faultOf(state: State): string | undefined;
  /** True where everything has been done. It must be reachable from every state without faults. */
  isDone(state: State): boolean;
}

export type Exploration =
  | { readonly kind: "holds"; readonly states: number; readonly moves: number; readonly done: number }
  | { readonly kind: "broken"; readonly states: number; readonly reason: string; readonly trace: readonly string[] };

/** Throws where there are more states than `statesMax`: an exploration is never cut off in silence. */
export function explore<State>(model: Model<State>, statesMax: number): Exploration {
  const indexOf = new Map<string, number>([[model.keyOf(model.initial), 0]]);
  const parents: number[] = [-1];
  /** By the number of the move that leads from the parent. */
  const ordinals: number[] = [-1];
  const edges: number[] = [];
  const done: number[] = [];
  let moves = 0;
  let frontier: State[] = [model.initial];
  let index = 0;
  while (frontier.length > 0) {
    const following: State[] = [];
    for (const state of frontier) {
      const reason = model.faultOf(state);
      if (reason !== undefined) return broken(reason, index);
      if (model.isDone(state)) done.push(index);
      for (const [ordinal, move] of model.movesOf(state).entries()) {
        moves++;
        const key = model.keyOf(move.next);
        let next = indexOf.get(key);
        if (next === undefined) {
          next = parents.length;
          if (next >= statesMax) throw new Error(`There are more than ${statesMax} states: the bounds are too wide.`);
          indexOf.set(key, next);
          parents.push(index);
          ordinals.push(ordinal);
          following.push(move.next);
        }
        if (!move.isFault) edges.push(index, next);
      }
      index++;
    }
    frontier = following;
  }
  const stuck = firstThatReachesNone(parents.length, edges, done);
  if (stuck !== undefined) return broken("stuck: nothing but a fault leads on to where all is done", stuck);
  return { kind: "holds", states: parents.length, moves, done: done.length };

  function broken(reason: string, at: number): Exploration {
    const path: number[] = [];
    for (let each = at; each > 0; each = parents[each]!) path.push(ordinals[each]!);
    return { kind: "broken", states: parents.length, reason, trace: labelsAlong(model, path.toReversed()) };
  }
}

function labelsAlong<State>(model: Model<State>, path: readonly number[]): readonly string[] {
  let state = model.initial;
  return path.map((ordinal) => {
    const move = model.movesOf(state)[ordinal]!;
    state = move.next;
    return move.label();
  });
}

/** The first state from which no goal can be reached; edges are pairs of from and to. */
function firstThatReachesNone(states: number, edges: readonly number[], goals: readonly number[]): number | undefined {
  const firstInto = new Int32Array(states + 1);
  for (let each = 1; each < edges.length; each += 2) firstInto[edges[each]! + 1]!++;
  for (let state = 0; state < states; state++) firstInto[state + 1]! += firstInto[state]!;
  const filled = firstInto.slice();
  const sources = new Int32Array(edges.length / 2);
  for (let each = 0; each < edges.length; each += 2) sources[filled[edges[each + 1]!]!++] = edges[each]!;
  const reaches = new Uint8Array(states);
  const waiting = [...goals];
  for (const goal of goals) reaches[goal] = 1;
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    for (let each = firstInto[state]!; each < firstInto[state + 1]!; each++) {
      const source = sources[each]!;
      if (reaches[source] === 1) continue;
      reaches[source] = 1;
      waiting.push(source);
    }
  }
  const stuck = reaches.indexOf(0);
  return stuck === -1 ? undefined : stuck;
}
