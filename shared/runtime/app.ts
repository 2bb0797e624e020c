/** What the functions of a worker call: triggers go to the engines, requests to the API. Everything behind it is opened at the first use. */
import { isDyneError, limits, systemClock, systemRandom, type Logger } from "../core/index.ts";
import {
  accessOf,
  HttpApi,
  routes,
  type Access,
  type HttpAnswer,
  type HttpRequest,
  type HttpServices,
} from "../http/index.ts";
import { declaredFlows } from "../engine/index.ts";
import { checkTogether, type Pipeline } from "../pipeline/index.ts";
import type { HubEvent } from "../sources/index.ts";
import { readHubPartition, readHubPayload } from "./hub-payload.ts";
import { jsonLogger } from "./json-logger.ts";
import { readJobBell, readNotices } from "./notice.ts";
import { openApp, type OpenApp } from "./open-app.ts";
import type { Secrets } from "./secrets.ts";
import { readSettings, type Settings } from "./settings.ts";

/** A step of a job: its progress is seen after each, and one that is cancelled goes on no longer. */
const jobStepMs = 20_000;

/** What the triggers of a worker start. Opened at the first use, so that loading the functions costs nothing. */
export class App {
  readonly #pipelines: readonly Pipeline[];
  readonly #api: HttpApi<HttpServices>;
  #settings: Settings | undefined;
  #written: Logger | undefined;
  #access: Access | undefined;
  #opened: Promise<OpenApp> | undefined;

  /** Throws DUPLICATE_NAME where pipelines do not go together. */
  constructor(pipelines: readonly Pipeline[]) {
    checkTogether(pipelines);
    this.#pipelines = pipelines;
    this.#api = new HttpApi({
      routes,
      access: () => (this.#access ??= accessOf(this.#read().access, { clock: systemClock, logger: this.#logger })),
      services: async () => (await this.#open()).http,
      clock: systemClock,
      random: systemRandom,
      logger: () => this.#logger,
    });
  }

  /** Answers a request. Never throws: what goes wrong is said by the answer. */
  http(request: HttpRequest): Promise<HttpAnswer> {
    return this.#api.answer(request);
  }

  /** Takes a batch of the Event Hubs trigger into bronze and carries on downstream. */
  async hubBatch(hub: string, bodies: unknown, triggerMetadata: unknown): Promise<void> {
    const { engines } = await this.#open();
    const partition = readHubPartition(triggerMetadata);
    const events = payloadEvents(bodies, triggerMetadata, this.#logger);
    for (const engine of engines) await engine.hubEvents(hub, partition, events);
  }

  /** Follows a message of the queue. */
  async notice(message: unknown): Promise<void> {
    const { engines } = await this.#open();
    for (const notice of readNotices(message)) {
      if (notice.kind === "other") {
        this.#logger.warn("a notice was ignored", { reason: notice.reason });
        continue;
      }
      for (const engine of engines) {
        if (notice.kind === "blob") await engine.blobCreated(notice.path);
        else if (engine.flows.some((flow) => flow.id === notice.flow)) await engine.ring(notice.flow);
      }
    }
  }

  /** Takes a backfill job further, whose message of the queue `bulk` this is. */
  async bulk(message: unknown): Promise<void> {
    const { backfill } = await this.#open();
    const bell = readJobBell(message);
    if (bell === undefined) this.#logger.warn("a message of the queue for long work was ignored", { message });
    else await backfill.advance(bell.jobId, jobStepMs, bell.turn);
  }

  /** Looks at every flow, and at every job, and then after the tables of the flows. */
  async sweep(): Promise<void> {
    const { engines, backfill, logStatus, selfCares } = await this.#open();
    const results = await Promise.allSettled([...engines, backfill].map((each) => each.sweep()));
    await logStatus();
    const untilMs = systemClock.nowMs() + limits.selfCareBudgetMs;
    for (const selfCare of selfCares) results.push(...(await Promise.allSettled([selfCare.run(untilMs)])));
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (errors.length > 0) throw new AggregateError(errors, "The sweep failed for some flows, jobs or tables.");
  }

  /** The vault's secrets, for a source that knows keys alone; where no vault is set, asking for one throws INVALID_SETTING. */
  async secrets(): Promise<Secrets> {
    return (await this.#open()).secrets;
  }

  /** Finishes or abandons what runs and gives leases back. */
  async close(): Promise<void> {
    const opened = await this.#opened;
    await opened?.close();
  }

  #open(): Promise<OpenApp> {
    this.#opened ??= (async () => openApp(this.#pipelines, this.#read(), this.#logger))().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  /** Read once they are right. Throws INVALID_SETTING. */
  #read(): Settings {
    const flows = this.#pipelines.flatMap((pipeline) => declaredFlows(pipeline));
    return (this.#settings ??= readSettings(process.env, { needsEvents: flows.some(({ kind }) => kind === "hub") }));
  }

  get #logger(): Logger {
    return (this.#written ??= stderrLogger(process.env["DYNE_LOG_LEVEL"]));
  }
}

/** The payload is only a head start: one that cannot be read still rings, and its events are read from the hub. */
function payloadEvents(bodies: unknown, triggerMetadata: unknown, logger: Logger): readonly HubEvent[] {
  try {
    return readHubPayload(bodies, triggerMetadata).events;
  } catch (error) {
    if (!isDyneError(error, "INVALID_MESSAGE")) throw error;
    logger.error(error.message, { cause: String(error.cause) });
    return [];
  }
}

/** Also where settings are wrong, which it has to say: from `info` on where no level is named. */
function stderrLogger(level: string | undefined): Logger {
  const named = (["debug", "info", "warn", "error"] as const).find((each) => each === level);
  return jsonLogger(named ?? "info", (line) => process.stderr.write(line));
}

let worker: App | undefined;

/** The one app of this worker: all functions of it share the engines, the compute and the caches. */
export function appOf(pipelines: readonly Pipeline[]): App {
  worker ??= new App(pipelines);
  return worker;
}
