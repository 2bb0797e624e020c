import { limits, seededRandom } from "../core/index.ts";
import { declaredFlows, Engine, explainFlow, type DeclaredFlow } from "../engine/index.ts";
import { tablePath } from "../pipeline/index.ts";
import { ComingCrash, isCrash, type CrashPlace } from "./crash.ts";
import { aroundStore } from "./store-calls.ts";
import type { TestLake } from "./test-lake.ts";

/** What came of a run: the flows that could not go on, with the reason; or the place where the instance died. */
export type RunResult =
  | { readonly kind: "quiet"; readonly stopped: ReadonlyMap<string, string> }
  | { readonly kind: "died"; readonly place: string };

/** An instance of the app, which lives until it is closed or dies. */
export class Instance {
  readonly #lake: TestLake;
  readonly engine: Engine;
  #coming: ComingCrash | undefined;
  #isDead = false;

  /** With `bySize`, views are computed in full where a change is large beside the table, as they are when deployed. */
  constructor(lake: TestLake, { bySize }: { readonly bySize: boolean }) {
    this.#lake = lake;
    const context = lake.context((store) =>
      aroundStore(store, (operation, work) =>
        this.#coming === undefined ? work() : this.#coming.around(operation, work),
      ),
    );
    const flows = declaredFlows(lake.pipeline);
    this.engine = new Engine(context, bySize ? flows : flows.map(withoutSizes));
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Runs until nothing is left to do, or until a death; where one was to come and did not, it comes at the end. */
  async run(crash?: { readonly at: CrashPlace; readonly flow: string | undefined }): Promise<RunResult> {
    const coming = crash && this.#comingCrash(crash.at, crash.flow);
    this.#coming = coming;
    try {
      const stopped = await this.engine.runAvailable(new AbortController().signal);
      if (coming === undefined) return { kind: "quiet", stopped };
    } catch (error) {
      if (coming?.place === undefined || !isCrash(error)) throw error;
    }
    this.#isDead = true;
    return { kind: "died", place: coming?.place ?? "the end, when all was done" };
  }

  #comingCrash(at: CrashPlace, flow: string | undefined): ComingCrash {
    const random = seededRandom(typeof at === "number" ? at : 0);
    return new ComingCrash(at, random, flow, flow && `${tablePath(flow)}/`);
  }

  /** Ends the instance. What a dead one held runs out with the time. */
  async close(): Promise<void> {
    if (this.#isDead) this.#lake.clock.advance(limits.leaseSeconds * 1_000);
    else await this.engine.close();
    this.#isDead = true;
  }
}

/** The few rows of a test stand for a large table, of which a change is a small part. */
function withoutSizes(flow: DeclaredFlow): DeclaredFlow {
  if (flow.kind !== "view" || flow.refresh !== "auto" || explainFlow(flow).strategy.name === "full") return flow;
  return { ...flow, refresh: "incremental" };
}
