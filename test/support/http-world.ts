/** The API over a lakehouse in one process: what requests are answered, without a host in front. */
import {
  accessOf,
  HttpApi,
  routes,
  ServedTables,
  type AccessSettings,
  type HttpServices,
} from "../../shared/http/index.ts";
import { seededRandom, type Clock, type Logger } from "../../shared/core/index.ts";
import type { Route } from "../../shared/http/route.ts";
import { Backfill } from "../../shared/engine/index.ts";
import type { EngineWorld } from "./engine-harness.ts";

/** A line of the log. */
export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function keepingLogger(lines: LoggedLine[]): Logger {
  const keep =
    (level: string) =>
    (message: string, fields: LoggedLine["fields"] = {}) =>
      void lines.push({ level, message, fields });
  return { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") };
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The text as JSON, with JavaScript's numbers. */
  readonly json: Record<string, unknown>;
}

/** Something that answers requests. */
export class Asked<Services> {
  readonly lines: LoggedLine[] = [];
  readonly #api: HttpApi<Services>;

  constructor(options: {
    readonly routes: readonly Route<Services>[];
    readonly services: () => Promise<Services>;
    readonly clock: Clock;
    readonly access?: AccessSettings;
  }) {
    const logger = keepingLogger(this.lines);
    const access = accessOf(options.access ?? { kind: "local" }, { clock: options.clock, logger });
    this.#api = new HttpApi({ ...options, access: () => access, random: seededRandom(1), logger: () => logger });
  }

  async ask(path: string, headers: Readonly<Record<string, string>> = {}, init: RequestInit = {}): Promise<Answered> {
    const request = new Request(`http://localhost:7071${path}`, { ...init, headers });
    const { status, headers: given, body } = await this.#api.answer(request);
    return { status, headers: given, text: body, json: JSON.parse(body) as Record<string, unknown> };
  }
}

/** The whole API over what is in a world. */
export function askedOf(world: EngineWorld, changed: Partial<HttpServices> = {}): Asked<HttpServices> {
  const context = world.context((store) => store);
  const { host, lake, compute, hubs, tables, clock, random } = context;
  const pipelines = [world.pipeline];
  const served = new ServedTables(pipelines, tables);
  // Nobody rings: jobs stay as they were taken on.
  const backfill = new Backfill({ ...context, bells: { ring: async () => undefined } }, [world.engine]);
  const own = { host, lake, compute, hubs, tables, clock, random, pipelines, served, backfill };
  const services: HttpServices = { ...own, ...changed };
  return new Asked({ routes, services: async () => services, clock });
}
