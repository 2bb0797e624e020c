/**
 * Claims-based security of one connection: a client puts a token for an address (`$cbs`, `put-token`), attaches links below that address, and
 * puts another token before the first one expires. Links whose token has expired are closed.
 * Source: AMQP Claims-based Security 1.0, § 4; learn.microsoft.com/azure/event-hubs/authorize-access-azure-active-directory.
 */
import type { AmqpError, Message } from "rhea";
import type { Clock } from "../../shared/core/clock.ts";
import type { TokenVerdict } from "../identity/index.ts";
import { amqpError, condition } from "./amqp-link.ts";
import { acceptToken, refuseToken, type Answer } from "./management.ts";

/** What may be done with a hub. */
export type HubRight = "listen" | "send";

/** Who may do what. */
export interface HubAuthorization {
  readonly tokens: { judge(token: string): Promise<TokenVerdict> };
  /** By object id, as roles are assigned: Azure Event Hubs Data Receiver is `listen`, Data Sender is `send`. */
  readonly rights: Readonly<Record<string, readonly HubRight[]>>;
}

/** A link that was let in, until it ends. */
interface Admitted {
  readonly address: string;
  readonly end: (error: AmqpError) => void;
}

interface Claim {
  readonly rights: readonly HubRight[];
  readonly expiresMs: number;
  readonly replaced: AbortController;
}

/** A client has as many links and tokens as it has partitions, and not many times more. */
const claimsMax = 1_000;
/** Timers hold no more than 24 days. */
const sleepMsMax = 24 * 60 * 60_000;

/** What the tokens of one connection allow. */
export class Claims {
  readonly #authorization: HubAuthorization;
  readonly #clock: Clock;
  readonly #claims = new Map<string, Claim>();
  readonly #links = new Map<unknown, Admitted>();
  #isClosed = false;

  constructor(authorization: HubAuthorization, clock: Clock) {
    this.#authorization = authorization;
    this.#clock = clock;
  }

  /** Answers a `put-token`. A token for an address takes the place of the one before it. Never rejects. */
  async put(request: Message): Promise<Answer> {
    const { operation, type, name } = (request.application_properties ?? {}) as Record<string, unknown>;
    if (operation !== "put-token") return refuseToken(`The operation '${String(operation)}' is not supported.`);
    if (type !== "jwt")
      return refuseToken("LocalAuthDisabled: keys and shared access signatures are not accepted here.");
    const path = pathOf(String(name));
    if (path === undefined) return refuseToken(`InvalidAudience: '${String(name)}' is no address of this namespace.`);
    const verdict = await this.#authorization.tokens.judge(String(request.body));
    if (verdict.kind === "refused") return refuseToken(`InvalidToken: ${verdict.reason}.`);
    if (this.#isClosed) return refuseToken("The connection has ended.");
    this.#claims.get(path)?.replaced.abort();
    if (!this.#claims.has(path) && this.#claims.size >= claimsMax)
      return refuseToken("QuotaExceeded: too many tokens.");
    const claim = {
      rights: this.#authorization.rights[verdict.objectId] ?? [],
      expiresMs: verdict.expiresMs,
      replaced: new AbortController(),
    };
    this.#claims.set(path, claim);
    void this.#watch(path, claim);
    return acceptToken();
  }

  /** Lets a link in, or says why not. The link is closed by `end` when the token that let it in expires. */
  admit(
    link: unknown,
    address: string,
    right: HubRight | "any",
    end: (error: AmqpError) => void,
  ): AmqpError | undefined {
    const refusal = this.refuse(address, right);
    if (refusal === undefined) this.#links.set(link, { address, end });
    return refusal;
  }

  /** Why the tokens do not allow something at an address; undefined where they do. */
  refuse(address: string, right: HubRight | "any"): AmqpError | undefined {
    const claim = this.#claimFor(address);
    const isAllowed = claim !== undefined && (right === "any" ? claim.rights.length > 0 : claim.rights.includes(right));
    if (!isAllowed) {
      const wanted = right === "any" ? "Listen or Send" : right === "listen" ? "Listen" : "Send";
      return amqpError(
        condition.unauthorized,
        `Unauthorized access. '${wanted}' claim(s) are required to perform this operation. Resource: '${address}'.`,
      );
    }
    return undefined;
  }

  /** A link has ended. */
  forget(link: unknown): void {
    this.#links.delete(link);
  }

  /** The connection has ended. */
  close(): void {
    this.#isClosed = true;
    for (const { replaced } of this.#claims.values()) replaced.abort();
    this.#claims.clear();
    this.#links.clear();
  }

  async #watch(path: string, claim: Claim): Promise<void> {
    const { signal } = claim.replaced;
    for (let restMs = 1; restMs > 0 && !signal.aborted; restMs = claim.expiresMs - this.#clock.nowMs())
      await this.#clock.sleep(Math.min(claim.expiresMs - this.#clock.nowMs(), sleepMsMax), signal);
    if (signal.aborted) return;
    this.#claims.delete(path);
    for (const [link, { address, end }] of this.#links) {
      if (this.#claimFor(address) !== undefined) continue;
      this.#links.delete(link);
      end(amqpError(condition.unauthorized, `ExpiredToken: The token for '${address}' has expired.`));
    }
  }

  /** The claim at the address itself, or at what it is below. One link to `$management` serves every hub: each request names its own. */
  #claimFor(address: string): Claim | undefined {
    let path = address.toLowerCase();
    if (path === "$management") return [...this.#claims].find(([name]) => name.endsWith("/$management"))?.[1];
    for (;;) {
      const claim = this.#claims.get(path);
      if (claim !== undefined) return claim;
      const slash = path.lastIndexOf("/");
      if (slash < 0) return undefined;
      path = path.slice(0, slash);
    }
  }
}

/** `sb://<namespace>/<hub>/…` without the namespace. */
function pathOf(audience: string): string | undefined {
  const path = /^(?:sb|amqps?|https?):\/\/[^/]+\/(.+?)\/?$/i.exec(audience)?.[1];
  return path?.toLowerCase();
}
