/** Who may ask: tokens of Entra ID, verified here whatever stands in front; or, on this machine alone, whoever asks on it. */
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { DyneError, isLoopbackName, limits, type Clock, type Logger } from "../core/index.ts";
import type { HttpRequest } from "./request.ts";

/** App roles. An operator may do what a reader may. */
export type Role = "Dyne.Reader" | "Dyne.Operator";

export type AccessSettings =
  /** Callers bring a token. Without tenant or audience nobody's is accepted. */
  | {
      readonly kind: "entra";
      readonly tenantId: string | undefined;
      /** Application ids, or their URIs. */
      readonly audiences: readonly string[];
      /** `https://login.microsoftonline.com`; no slash at the end. */
      readonly authorityHost: string;
    }
  /** Every role is everybody's who asks by a name of this machine. */
  | { readonly kind: "local" };

export interface Caller {
  /** For the log: the object id of the token, or `local`. */
  readonly subject: string;
  readonly roles: readonly Role[];
}

export interface Access {
  /**
   * Says who asks. Throws UNAUTHENTICATED where that is not known, AUTHORITY_UNAVAILABLE where it cannot be found out now, FORBIDDEN
   * where the request came by a way that is closed.
   */
  authenticate(request: Pick<HttpRequest, "url" | "headers">): Promise<Caller>;
}

/** Throws FORBIDDEN, naming the role. */
export function requireRole({ roles }: Caller, role: Role): void {
  if (roles.includes(role)) return;
  throw new DyneError("FORBIDDEN", `This needs the role ${role}. Ask whoever runs this service to assign it to you.`, {
    details: { challenge: 'Bearer realm="dyne", error="insufficient_scope"' },
  });
}

export function accessOf(
  settings: AccessSettings,
  services: { readonly clock: Clock; readonly logger: Logger },
): Access {
  if (settings.kind === "local") return new LocalAccess();
  const { tenantId, audiences, authorityHost } = settings;
  return tenantId === undefined || audiences.length === 0
    ? new NoAccess(services.logger)
    : new TokenAccess({ tenantId, audiences, authorityHost }, services);
}

/** Clocks of the authority and of this machine may differ by so much. */
const skewSeconds = 60;
/** Keys are believed for so long; a key that is not among them is asked for once in the cooldown. */
const keysMaxAgeMs = 60 * 60 * 1000;
const keysCooldownMs = 30_000;
/** An authority that did not answer is left alone for so long. */
const authorityRestMs = 5_000;

/** One token, and nothing beside it: two headers arrive as one with a comma. */
const bearer = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i;

class TokenAccess implements Access {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #issuers: string[];
  readonly #audiences: string[];
  readonly #keys: JWTVerifyGetKey;
  #failedMs = Number.NEGATIVE_INFINITY;

  constructor(
    { tenantId, audiences, authorityHost }: { tenantId: string; audiences: readonly string[]; authorityHost: string },
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#issuers = issuersOf(tenantId, authorityHost);
    this.#audiences = audiences.flatMap(audienceForms);
    const keys = createRemoteJWKSet(new URL(`${authorityHost}/${tenantId}/discovery/v2.0/keys`), {
      cooldownDuration: keysCooldownMs,
      cacheMaxAge: keysMaxAgeMs,
      [customFetch]: (url, options) => this.#fetch(url, options),
    });
    this.#keys = async (header, token) => {
      try {
        return await keys(header, token);
      } catch (cause) {
        if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
        const message = "Tokens cannot be verified now, because their authority does not give its keys. Try again.";
        throw new DyneError("AUTHORITY_UNAVAILABLE", message, { cause });
      }
    };
  }

  async authenticate({ headers }: Pick<HttpRequest, "headers">): Promise<Caller> {
    const header = headers.get("authorization");
    const token = header === null || header.length > limits.httpTokenBytes ? null : bearer.exec(header)?.[1];
    if (token === undefined || token === null)
      throw unauthenticated("This needs a token: send it as Authorization: Bearer …", header !== null);
    const claims = await this.#verified(token);
    if (!isAccessToken(claims)) {
      this.#logger.warn("a token was refused", { code: "NO_ACCESS_TOKEN", reason: "it names no client that asks" });
      throw unauthenticated("The token says who signed in, not who may ask. Send an access token.", true);
    }
    return callerOf(claims);
  }

  async #verified(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        algorithms: ["RS256"],
        issuer: this.#issuers,
        audience: this.#audiences,
        requiredClaims: ["exp"],
        clockTolerance: skewSeconds,
        currentDate: new Date(this.#clock.nowMs()),
      });
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      this.#logger.warn("a token was refused", { code: error.code, reason: error.message });
      throw error instanceof errors.JWTExpired
        ? unauthenticated("The token has expired. Get a new one.", true, error)
        : unauthenticated("The token is none that this service accepts. Get one for its audience.", true, error);
    }
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#failedMs < authorityRestMs) throw new Error("the authority did not answer a moment ago");
    this.#failedMs = nowMs;
    const response = await fetch(url, options);
    if (response.status === 200) this.#failedMs = Number.NEGATIVE_INFINITY;
    return response;
  }
}

/** Tokens of both versions are signed with the same keys, and differ in how they name who made them. */
function issuersOf(tenantId: string, authorityHost: string): string[] {
  return [
    `https://sts.windows.net/${tenantId}/`,
    `https://login.microsoftonline.com/${tenantId}/v2.0`,
    `${authorityHost}/${tenantId}/v2.0`,
  ];
}

/** An application is named by its id (version 2) or by its URI (version 1), which by default is made of the id. */
function audienceForms(audience: string): readonly string[] {
  const id = /^(?:api:\/\/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(audience)?.[1];
  return id === undefined ? [audience] : [id, `api://${id}`];
}

/**
 * An access token names the client that it was given to (`appid` in version 1, `azp` in version 2). An id token does not, and has the same
 * issuer, roles, and for an audience the client that somebody signed in to: which may be the one of this service.
 */
function isAccessToken({ appid, azp }: JWTPayload): boolean {
  return typeof (appid ?? azp) === "string";
}

function callerOf({ roles, oid, sub }: JWTPayload): Caller {
  const given: readonly unknown[] = Array.isArray(roles) ? roles : [];
  const isOperator = given.includes("Dyne.Operator");
  const isReader = isOperator || given.includes("Dyne.Reader");
  return {
    subject: typeof oid === "string" ? oid : (sub ?? ""),
    roles: [...(isReader ? ["Dyne.Reader" as const] : []), ...(isOperator ? ["Dyne.Operator" as const] : [])],
  };
}

/** A service that was not told whose tokens to take takes none. */
class NoAccess implements Access {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  async authenticate(): Promise<Caller> {
    this.#logger.error("no request is answered, because DYNE_TENANT_ID or DYNE_AUDIENCE is not set: set both", {});
    throw unauthenticated("This service accepts nobody yet. Its log says what to set.", false);
  }
}

/** The request must have been sent to this machine by name: a page of another site can have its own name lead here, but not change it. */
class LocalAccess implements Access {
  async authenticate({ url, headers }: Pick<HttpRequest, "url" | "headers">): Promise<Caller> {
    const said = [headers.get("host"), headers.get("x-forwarded-host")].filter((host) => host !== null);
    const origin = headers.get("origin");
    const addresses = [url, ...said.map((host) => `http://${host}`), ...(origin === null ? [] : [origin])];
    if (addresses.every((address) => URL.canParse(address) && isLoopbackName(new URL(address).hostname)))
      return { subject: "local", roles: ["Dyne.Reader", "Dyne.Operator"] };
    throw new DyneError(
      "FORBIDDEN",
      "Without tokens this service answers on this machine only. Ask by the name localhost.",
    );
  }
}

function unauthenticated(message: string, hadToken: boolean, cause?: unknown): DyneError {
  const challenge = `Bearer realm="dyne"${hadToken ? ', error="invalid_token"' : ""}`;
  return new DyneError("UNAUTHENTICATED", message, {
    ...(cause === undefined ? {} : { cause }),
    details: { challenge },
  });
}
