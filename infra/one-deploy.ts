/**
 * Publishing to a Flex Consumption app, which takes code in one way only (One Deploy): the zip is posted to the publishing host, which answers
 * at once or with the id of a deployment that goes on and is asked after until it has ended.
 *
 *     POST https://<publishing host>/api/publish?remoteBuild=false     application/zip, bearer token → 200, or 202 and "<id>"
 *     GET  https://<publishing host>/api/deployments/<id>              {"status": 2, "status_text": "Deploying", "log_url": "…"}
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

export interface Upload {
  /** The stack's output `publishUrl`. */
  readonly url: string;
  readonly zip: Uint8Array<ArrayBuffer>;
  /** Gives an Entra ID token for Azure Resource Manager; asked again where Azure does not take the last one. */
  readonly token: () => Promise<string>;
  /** Told what is going on, in whole sentences. */
  readonly say: (progress: string) => void;
}

/** Network and time, as publishing needs them. */
export interface Surroundings {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

/** How long all of it may take, attempts and waits included. */
export const publishMs = 20 * 60_000;
/** One request: an upload of the largest package over a slow line. */
const requestMs = 10 * 60_000;
/** Uploads of the package, the first one included. */
export const uploadsMax = 6;
/** Between uploads. An app that was made just now has no publishing host for a while. */
const betweenUploadsMs = 20_000;
const betweenLooksMs = 5_000;
/** Answers in a row that say nothing of the deployment. */
export const blindLooksMax = 12;

/** What Azure says of a deployment, by number. Anything else means that it goes on. */
const ended = { failed: 3, succeeded: 4, displaced: 5, partlySucceeded: 6, cancelled: -1 } as const;

const deploymentSchema = z.object({
  status: z.number(),
  status_text: z.string().nullish(),
  message: z.string().nullish(),
  log_url: z.string().nullish(),
});
type DeploymentState = z.output<typeof deploymentSchema>;

interface Ask {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}
type Accepted = { readonly kind: "done" } | { readonly kind: "goes on"; readonly id: string };
/** What is tried again: Azure is busy, or cannot be reached. */
interface NotNow {
  readonly kind: "not now";
  readonly why: string;
  readonly afterMs: number;
}

/** A deployment that failed, with what to do. Whoever publishes again starts from the beginning; nothing has to be tidied up. */
export class PublishFailure extends Error {}

/**
 * Publishes a package and resolves when the app has it. The same package may be published any number of times. Throws PublishFailure where
 * Azure refuses, where the deployment fails, and where it has not ended in time.
 */
export async function publish(upload: Upload, surroundings: Surroundings = system): Promise<void> {
  const attempt = new Attempt(upload, surroundings);
  for (let uploads = 1; ; uploads++) {
    const outcome = await attempt.run();
    if (outcome.kind === "done") return;
    if (uploads === uploadsMax) {
      throw new PublishFailure(
        `The package could not be published in ${uploadsMax} attempts. The last one: ${outcome.why} Run pulumi up again later.`,
      );
    }
    upload.say(`${outcome.why} The package is sent again in ${Math.round(outcome.afterMs / 1_000)} seconds.`);
    await attempt.wait(outcome.afterMs, outcome.why);
  }
}

const system: Surroundings = { fetch, now: Date.now, sleep };

/** One publication with its deadline and its token, which all its requests share. */
class Attempt {
  readonly #upload: Upload;
  readonly #surroundings: Surroundings;
  readonly #deadlineMs: number;
  #token: string | undefined;

  constructor(upload: Upload, surroundings: Surroundings) {
    this.#upload = upload;
    this.#surroundings = surroundings;
    this.#deadlineMs = surroundings.now() + publishMs;
  }

  /** Sends the package once and stays with the deployment until it has ended. */
  async run(): Promise<{ readonly kind: "done" } | NotNow> {
    const { zip, say } = this.#upload;
    say(`The package is sent: ${(zip.byteLength / 1e6).toFixed(1)} MB.`);
    const accepted = await this.#send();
    if (accepted.kind !== "goes on") return accepted;
    return this.#follow(accepted.id);
  }

  /** Throws where the wait would end after the deadline. */
  async wait(ms: number, lastSeen: string): Promise<void> {
    if (this.#surroundings.now() + ms > this.#deadlineMs) {
      throw new PublishFailure(
        `The package was not published within ${publishMs / 60_000} minutes. Last seen: ${lastSeen} Run pulumi up again later.`,
      );
    }
    await this.#surroundings.sleep(ms);
  }

  async #send(): Promise<Accepted | NotNow> {
    const url = new URL(this.#upload.url);
    url.searchParams.set("remoteBuild", "false");
    const response = await this.#ask(url.href, {
      method: "POST",
      headers: { "content-type": "application/zip", "cache-control": "no-cache" },
      body: this.#upload.zip,
    });
    if (!(response instanceof Response)) return response;
    const text = await response.text();
    if (response.status === 200) return { kind: "done" };
    if (response.status === 202) return { kind: "goes on", id: idOf(text) };
    return this.#refused(response, text);
  }

  async #follow(id: string): Promise<{ readonly kind: "done" } | NotNow> {
    const url = new URL(`/api/deployments/${encodeURIComponent(id)}`, this.#upload.url).href;
    let seen = "Azure has taken the package.";
    this.#upload.say(seen);
    for (let blindLooks = 0; blindLooks < blindLooksMax;) {
      await this.wait(betweenLooksMs, seen);
      const state = await this.#look(url);
      if (state.kind === "not now") {
        blindLooks++;
        continue;
      }
      blindLooks = 0;
      const outcome = outcomeOf(state.deployment);
      if (outcome !== undefined) return outcome;
      const now = `The deployment goes on: ${state.deployment.status_text || `status ${state.deployment.status}`}.`;
      if (now !== seen) this.#upload.say(now);
      seen = now;
    }
    throw new PublishFailure(
      `What became of the deployment ${id} could not be found out in ${blindLooksMax} requests. Last seen: ${seen} Run pulumi up again; it publishes anew.`,
    );
  }

  async #look(url: string): Promise<{ readonly kind: "seen"; readonly deployment: DeploymentState } | NotNow> {
    const response = await this.#ask(url, { method: "GET" });
    if (!(response instanceof Response)) return response;
    const text = await response.text();
    if (response.status !== 200 && response.status !== 202) {
      // The deployment is not known everywhere at once.
      if (response.status === 404) return notNow("The deployment is not known yet.", betweenLooksMs);
      return this.#refused(response, text);
    }
    const parsed = deploymentSchema.safeParse(jsonOf(text));
    if (!parsed.success) return notNow("The answer says nothing of the deployment.", betweenLooksMs);
    return { kind: "seen", deployment: parsed.data };
  }

  /** One request, with a new token where the last one is not taken. A network that fails is an outcome. */
  async #ask(url: string, { headers, ...init }: Ask): Promise<Response | NotNow> {
    for (const last of [false, true]) {
      this.#token ??= await this.#upload.token();
      let response: Response;
      try {
        response = await this.#surroundings.fetch(url, {
          ...init,
          headers: { ...headers, authorization: `Bearer ${this.#token}` },
          redirect: "manual",
          signal: AbortSignal.timeout(requestMs),
        });
      } catch (error) {
        return notNow(`${new URL(url).host} cannot be reached (${reasonOf(error)}).`, betweenUploadsMs);
      }
      if (response.status !== 401 || last) return response;
      await response.body?.cancel();
      this.#token = undefined;
    }
    throw new Error("unreachable: the second answer is returned, whatever it is");
  }

  #refused({ status, headers }: Response, text: string): NotNow {
    const said = text.trim() === "" ? "" : ` Azure says: ${text.trim().slice(0, 500)}`;
    if (status === 409) return notNow("Another deployment of the app is going on (409).", betweenUploadsMs);
    if (status === 404) return notNow("The app has no publishing host yet (404).", betweenUploadsMs);
    if (status === 408 || status === 429 || status >= 500) {
      return notNow(`Azure is not able to take it now (${status}).${said}`, retryAfterMs(headers) ?? betweenUploadsMs);
    }
    throw new PublishFailure(`${remedyOf(status)}${said}`);
  }
}

function remedyOf(status: number): string {
  if (status === 401) {
    return "Azure does not take the token of the login that Pulumi uses (401). Log in to the tenant of the app: az login --tenant <tenant>.";
  }
  if (status === 403) {
    return "The login that Pulumi uses may not publish the app, or not from this network (403). It needs the role Website Contributor or Contributor on it.";
  }
  return `Azure does not take the package (${status}).`;
}

function outcomeOf({
  status,
  status_text,
  message,
  log_url,
}: DeploymentState): { readonly kind: "done" } | NotNow | undefined {
  const said = [status_text, message].filter((text) => typeof text === "string" && text !== "").join(" ");
  switch (status) {
    case ended.succeeded:
      return { kind: "done" };
    case ended.displaced:
    case ended.cancelled:
      return notNow(`The deployment gave way to another one (status ${status}).`, betweenUploadsMs);
    case ended.failed:
    case ended.partlySucceeded: {
      const log = typeof log_url !== "string" ? "" : ` Its log: ${log_url}`;
      throw new PublishFailure(
        `The deployment failed (status ${status}): ${said === "" ? "Azure gives no reason." : said.slice(0, 500)}${log}`,
      );
    }
    default:
      return undefined;
  }
}

/** The answer is the id as a JSON text; where it is not, the app's latest deployment is asked after. */
function idOf(text: string): string {
  const json = jsonOf(text);
  const id = typeof json === "string" ? json : z.object({ id: z.string() }).safeParse(json).data?.id;
  return id !== undefined && /^[\w-]{1,100}$/.test(id) ? id : "latest";
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notNow(why: string, afterMs: number): NotNow {
  return { kind: "not now", why, afterMs };
}

/** Seconds, as Azure writes them; longer than two minutes is not waited for at a time. */
function retryAfterMs(headers: Headers): number | undefined {
  const seconds = /^\d{1,5}$/.exec(headers.get("retry-after") ?? "")?.[0];
  return seconds === undefined ? undefined : Math.min(Number(seconds), 120) * 1_000;
}

function reasonOf(error: unknown): string {
  const { name, cause, message } = error as Error;
  if (name === "TimeoutError") return `no answer within ${requestMs / 60_000} minutes`;
  return cause instanceof Error ? cause.message : message;
}
