import { AssertionError } from "node:assert";
import { DyneError, instantMicros, instantOfMs, isDyneError, sentence } from "../core/index.ts";
import type { DeclaredTable, Pipeline } from "../pipeline/index.ts";
import type { ColumnTypes } from "../plan/index.ts";
import type { InputRow, RowOf } from "../table/lake/index.ts";
import { rowOfText } from "../table/lake/row-output.ts";
import type { Action, EventBody, EventOptions } from "./action.ts";
import {
  checkAnswer,
  checkEqualsQuery,
  checkFailure,
  checkLastBatch,
  checkQuarantine,
  checkStrategy,
  type RunVersions,
} from "./checks.ts";
import { bytesOfBody } from "./event-body.ts";
import { commitForeign } from "./foreign-commit.ts";
import { actionsGiven, landingGiven, testGiven } from "./given.ts";
import { Instance } from "./instance.ts";
import { landedPath, landedText } from "./landed-file.ts";
import { sharedCompute } from "./shared-compute.ts";
import { scanOf, shownColumns, TestLake } from "./test-lake.ts";

export interface PipelineTestOptions {
  /** What everything random follows from. Default: 1. */
  readonly seed?: number | undefined;
  /** The test's time at its beginning. Default: 2026-01-01T00:00:00Z. */
  readonly startTime?: string | Date | undefined;
  /**
   * Also decide by size how a view is refreshed, as when it is deployed: in full where a change is more than half of its input. By default
   * the few rows of a test stand for a large table, so that views are kept up to date by their changes.
   */
  readonly bySize?: boolean | undefined;
}

const checks = new Set<Action["kind"]>([
  "checkAnswer",
  "checkEqualsQuery",
  "checkFailure",
  "checkLastBatch",
  "checkQuarantine",
  "checkStrategy",
]);

/**
 * A pipeline with everything that it needs, in this process: the engine that is deployed, DuckDB, stores and hubs in memory, a time that
 * moves when it is told to, and randomness from a seed. The same actions give the same rows by the same strategies.
 *
 *     await using test = await PipelineTest.open(pipeline);
 *     await test.run([
 *       addData(orders, [{ order_id: 1, amount: 5 }]),
 *       processAllAvailable(),
 *       checkAnswer(totals, [{ orders: 1, amount: 5 }]),
 *     ]);
 */
export class PipelineTest implements AsyncDisposable {
  readonly #lake: TestLake;
  readonly #options: { readonly seed: number; readonly bySize: boolean };
  /** Flows whose failure was expected. */
  readonly #failed = new Set<string>();
  readonly #lastRun = new Map<string, RunVersions>();
  #instance: Instance;
  #crash: Extract<Action, { readonly kind: "crash" }> | undefined;
  #death: string | undefined;
  #threw = false;

  private constructor(lake: TestLake, options: { readonly seed: number; readonly bySize: boolean }) {
    this.#lake = lake;
    this.#options = options;
    this.#instance = new Instance(lake, options);
  }

  /** Opens an empty lakehouse for a pipeline. Errors: those of a pipeline that cannot run, INVALID_ARGUMENT. */
  static async open(pipeline: Pipeline, options: PipelineTestOptions = {}): Promise<PipelineTest> {
    testGiven(pipeline, options);
    const { seed = 1, startTime = "2026-01-01T00:00:00Z", bySize = false } = options;
    const startMs = msOf(startTime, "startTime");
    return new PipelineTest(new TestLake(pipeline, await sharedCompute(), { seed, startMs }), { seed, bySize });
  }

  /**
   * Does one action after another. May be called again, to go on. Throws an AssertionError at the first check that fails, and a DyneError where
   * an action cannot be done; both say which, and where the test has it.
   */
  async run(actions: readonly Action[]): Promise<void> {
    actionsGiven(actions);
    for (const [index, action] of actions.entries()) {
      try {
        await this.#perform(action, actions.slice(index + 1));
      } catch (error) {
        this.#threw = true;
        throw placed(error, action, `action ${index + 1} of ${actions.length}, ${this.#circumstances}`);
      }
    }
  }

  /** The rows of a table as they stand, in no order; none before there is the table. */
  async rows<Types extends ColumnTypes>(table: DeclaredTable<Types> | string): Promise<readonly RowOf<Types>[]> {
    const { name, schema } = this.#lake.declared(typeof table === "string" ? table : table.name);
    const rows = await this.#lake.input(name);
    if (rows === undefined) return [];
    const plan = scanOf("rows", schema);
    const texts = await this.#lake.texts({ rows }, { rows: { plan, columns: shownColumns(schema) } });
    return (texts["rows"] ?? []).map((text) => rowOfText(text, schema) as RowOf<Types>);
  }

  /** The test's time. */
  now(): Date {
    return new Date(this.#lake.clock.nowMs());
  }

  /**
   * Ends the instance. What it wrote was in memory. Throws an AssertionError where the test ends before a crash that is to come, unless it has
   * failed already.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#instance.isDead) await this.#instance.close();
    const crash = this.#crash;
    if (crash === undefined || this.#threw) return;
    const error = new AssertionError({
      message: `The instance was to die at "${crash.at}", and nothing ran after that. Put processAllAvailable() behind crash(…), and restart() behind that.`,
      operator: "crash",
    });
    throw placed(error, crash, this.#circumstances);
  }

  get #circumstances(): string {
    return `seed ${this.#options.seed}${this.#death === undefined ? "" : `, after a death ${this.#death}`}`;
  }

  async #perform(action: Action, following: readonly Action[]): Promise<void> {
    const lake = this.#lake;
    switch (action.kind) {
      case "addData":
        return this.#addData(action.table, action.rows, action.events);
      case "landFile":
        return this.#land(action.path, action.content);
      case "appendData":
      case "overwriteData":
      case "updateData":
      case "deleteData":
      case "optimize":
        await this.#needTable(action.table);
        return commitForeign(lake, action);
      case "advanceTime":
        return lake.clock.advance(action.ms);
      case "processAllAvailable":
        return this.#process(following);
      case "crash":
        if (this.#crash !== undefined)
          throw new AssertionError({
            message: `A crash at "${this.#crash.at}" is still to come, and an instance dies once. Put processAllAvailable() and restart() between them.`,
            operator: "crash",
          });
        this.#crash = { ...action, flow: action.flow && lake.declared(action.flow).name };
        return;
      case "restart":
        return this.#restart();
      case "refresh":
      case "reset":
      case "resume":
        this.#failed.delete(lake.declared(action.table).name);
        return this.#living(action.kind).engine[action.kind](action.table);
      case "checkAnswer":
        return checkAnswer(lake, action);
      case "checkLastBatch":
        return checkLastBatch(lake, action, this.#lastRun.get(lake.declared(action.table).name));
      case "checkQuarantine":
        return checkQuarantine(lake, action.table, action.rows);
      case "checkStrategy":
        return checkStrategy(lake, action.table, action.strategy);
      case "checkFailure":
        return checkFailure(lake, action.table, action.code, action.message);
      case "checkEqualsQuery":
        return checkEqualsQuery(lake, action.table);
    }
  }

  async #addData(name: string, rows: readonly unknown[], events: EventOptions): Promise<void> {
    const { source } = this.#lake.declared(name);
    switch (source?.kind) {
      case undefined:
        await this.#needTable(name);
        return commitForeign(this.#lake, {
          kind: "appendData",
          table: name,
          rows: rows as readonly InputRow[],
          site: "",
        });
      case "files": {
        const text = landedText(source, rows as readonly InputRow[]);
        return this.#land(landedPath(source, this.#lake.nextLanded()), text);
      }
      case "eventHub": {
        const { partition = "0", enqueuedTime = this.now(), partitionKey, properties } = events;
        const enqueuedTimeUs = instantMicros(instantOfMs(msOf(enqueuedTime, "enqueuedTime")));
        const sent = rows.map((row, index) => ({
          body: bytesOfBody(row as EventBody, `rows[${index}]`),
          enqueuedTimeUs,
          ...(partitionKey !== undefined && { partitionKey }),
          ...(properties !== undefined && { properties }),
        }));
        this.#lake.hubs.hub(source.hub).send(partition, sent);
      }
    }
  }

  async #land(path: string, content: string | Uint8Array): Promise<void> {
    landingGiven(this.#lake.pipeline, path);
    await this.#lake.lake.put(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }

  /** Flows create their tables when they first run. Whoever commits to one before lets them do so. */
  async #needTable(name: string): Promise<void> {
    if ((await this.#lake.version(name)) < 0) await this.#living("the first commit to a table").run();
  }

  async #process(following: readonly Action[]): Promise<void> {
    const instance = this.#living("processAllAvailable");
    const tables = this.#lake.pipeline.tables.map(({ name }) => name);
    const before = new Map<string, number>();
    for (const name of tables) before.set(name, await this.#lake.version(name));
    const crash = this.#crash;
    this.#crash = undefined;
    const result = await instance.run(crash);
    for (const name of tables)
      this.#lastRun.set(name, { before: before.get(name) ?? -1, after: await this.#lake.version(name) });
    if (result.kind === "died") return this.#died(result.place, crash);
    const expected = expectedFailures(following);
    for (const [flow, reason] of result.stopped) {
      if (expected.has(flow)) this.#failed.add(flow);
      if (this.#failed.has(flow)) continue;
      const failure = (await this.#lake.stateOf(flow))?.failure;
      const told = failure
        ? `failed with ${failure.code}: ${sentence(failure.message)}`
        : `could not go on: ${sentence(reason)}`;
      const hint = failure ? ` If that is expected, put checkFailure("${flow}", "${failure.code}") behind it.` : "";
      throw new AssertionError({ message: `${flow} ${told}${hint}`, operator: "processAllAvailable" });
    }
  }

  #died(place: string, crash: Extract<Action, { readonly kind: "crash" }> | undefined): void {
    this.#death = place;
    const isMissed = typeof crash?.at === "string" && place.startsWith("the end");
    if (!isMissed) return;
    const where = crash?.flow === undefined ? "any flow" : `the flow ${crash.flow}`;
    throw new AssertionError({
      message: `The instance was to die at "${crash?.at}" and did not: there was nothing to write there for ${where}. Give it data that makes a batch.`,
      operator: "crash",
    });
  }

  async #restart(): Promise<void> {
    await this.#instance.close();
    this.#instance = new Instance(this.#lake, this.#options);
  }

  #living(what: string): Instance {
    if (!this.#instance.isDead) return this.#instance;
    throw new AssertionError({
      message: `The instance is dead since it died ${this.#death}. Put restart() before ${what}.`,
      operator: what,
    });
  }
}

/** The flows whose failure is checked for before anything else happens. */
function expectedFailures(following: readonly Action[]): ReadonlySet<string> {
  const end = following.findIndex(({ kind }) => !checks.has(kind));
  const next = end < 0 ? following : following.slice(0, end);
  return new Set(next.flatMap((action) => (action.kind === "checkFailure" ? [action.table] : [])));
}

function msOf(time: string | Date, what: string): number {
  const ms = time instanceof Date ? time.getTime() : Date.parse(time);
  if (!Number.isNaN(ms)) return ms;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${what} is ${String(time)}, which is no time. Write it as 2026-01-02T03:04:05Z, or give a Date.`,
  );
}

/** The error, which says what failed; and its stack shows where the test has the action. */
function placed(error: unknown, action: Action, where: string): unknown {
  const what = "table" in action && action.table !== undefined ? `${action.kind} of ${action.table}` : action.kind;
  if (error instanceof AssertionError) {
    const { actual, expected, operator } = error;
    return at(
      new AssertionError({ message: `${error.message}\n(${what}, ${where})`, actual, expected, operator }),
      action,
    );
  }
  if (!isDyneError(error)) return error;
  const options = { cause: error, details: { ...error.details } };
  return at(new DyneError(error.code, `${error.message} (${what}, ${where})`, options), action);
}

function at<E extends Error>(error: E, { site }: Action): E {
  error.stack = `${error.name}: ${error.message}\n${site}`;
  return error;
}
