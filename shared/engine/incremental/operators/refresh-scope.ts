/** What the operators of one refresh write down while they say what they do: steps that are computed once, and what has to be read. */
import type { PlanStep } from "../../../compute/index.ts";
import { schemaOf, type LogicalPlan, type Schema } from "../../../plan/index.ts";
import { scan } from "../expressions.ts";
import type { Restriction } from "./changed.ts";

/** What a relation holds: rows of an input, or of a hidden table. */
export type ReadSubject =
  | { readonly kind: "added" | "removed" | "now" | "before"; readonly scan: number }
  | { readonly kind: "hidden"; readonly table: string };

export interface Read {
  readonly relation: string;
  readonly subject: ReadSubject;
  /** Each use asks for rows with some values; without restrictions for all. A file is read that any use may need. */
  readonly uses: readonly (readonly Restriction[])[];
}

/**
 * `change`: as the operators can take it. `recompute`: from the rows, without hidden tables. `full`: everything from the rows, and the
 * hidden tables with it.
 */
export type RefreshMode = "change" | "recompute" | "full";

export class RefreshScope {
  readonly mode: RefreshMode;
  /** Which inputs have rows that came, and rows that went, by scan. */
  readonly #changes: readonly ScanChange[];
  readonly steps: PlanStep[] = [];
  /** New rows of hidden tables by name, in place of those that were read under that name. */
  readonly tables: Record<string, LogicalPlan> = {};
  readonly #reads = new Map<string, { subject: ReadSubject; uses: (readonly Restriction[])[] }>();
  /** False where an operator had to go back to the rows. */
  isMerged = true;
  refusal: string | undefined;

  constructor(mode: RefreshMode, changes: readonly ScanChange[]) {
    this.mode = mode;
    this.#changes = changes;
  }

  changeOf(index: number): ScanChange {
    return this.#changes[index] ?? { added: false, removed: false };
  }

  step(name: string, plan: LogicalPlan): LogicalPlan {
    this.steps.push({ kind: "plan", name, plan, rowErrors: "fail", carry: [] });
    return scan(name, schemaOf(plan));
  }

  read(relation: string, schema: Schema, subject: ReadSubject, restricted: readonly Restriction[] = []): LogicalPlan {
    const known = this.#reads.get(relation);
    if (known === undefined) this.#reads.set(relation, { subject, uses: [restricted] });
    else known.uses.push(restricted);
    return scan(relation, schema);
  }

  get reads(): readonly Read[] {
    return [...this.#reads].map(([relation, { subject, uses }]) => ({ relation, subject, uses }));
  }
}

/** Whether rows of an input came, and whether some went. */
export interface ScanChange {
  readonly added: boolean;
  readonly removed: boolean;
}
