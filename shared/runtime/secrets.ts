/**
 * Secrets from Key Vault: kept for a while, asked for by one request at a time per name, and used on while the vault does not answer.
 *
 * What can be reached by an identity has no secret, and neither storage nor Event Hubs has one here. This is for what knows keys alone.
 */
import type { TokenCredential } from "@azure/identity";
import type { SecretClient } from "@azure/keyvault-secrets";
import { DyneError, isDyneError, type Clock, type Logger } from "../core/index.ts";
import { isLoopback } from "./loopback.ts";
import { describeRefusal } from "./refusal.ts";

/** A value that shows itself to nobody who does not ask for it: texts, JSON and logs have `[secret]` in its place. */
export class Secret {
  readonly name: string;
  /** Which value it is: another after a rotation. */
  readonly version: string;
  readonly #value: string;

  constructor(name: string, version: string, value: string) {
    this.name = name;
    this.version = version;
    this.#value = value;
  }

  /** The value itself. Hand it to whoever needs it and keep it nowhere. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

/** The port to secrets. */
export interface Secrets {
  /**
   * The newest value as far as is known: at most `freshMs` old while the vault answers, at most `staleMs` while it does not.
   *
   * Errors: INVALID_ARGUMENT (no name of a secret), LIMIT_EXCEEDED, SECRET_NOT_FOUND, VAULT_DENIED, IDENTITY_DENIED, INVALID_SETTING (there
   * is no vault); VAULT_UNAVAILABLE, IDENTITY_UNAVAILABLE (a retry is safe).
   */
  get(name: string): Promise<Secret>;
  /**
   * The newest value after a service has refused `refused`: read from the vault by a request that begins now, unless another caller has got
   * a newer one meanwhile. The same version again says that the vault has no other value. Errors as of `get`; an old value is not used.
   */
  refresh(refused: Secret): Promise<Secret>;
}

/** How long what is known is used. */
export interface SecretPatience {
  /** Without asking again. A rotation is seen after this time at the latest. */
  readonly freshMs: number;
  /** While the vault does not answer. After this time there is no value any more. */
  readonly staleMs: number;
  /** Between two tries while it does not answer, so that nobody waits for it each time. */
  readonly retryMs: number;
  /** For an answer, all tries together. */
  readonly answerMs: number;
}

const usualPatience: SecretPatience = {
  freshMs: 5 * 60_000,
  staleMs: 4 * 60 * 60_000,
  retryMs: 30_000,
  answerMs: 10_000,
};

/** A pipeline names a handful; who asks for more has a loop that makes names up. */
const namesMax = 1_000;

interface Entry {
  readonly name: string;
  known?: { readonly secret: Secret; readonly askedMs: number };
  /** Not before this time is a vault that did not answer asked again. */
  retryAtMs: number;
  asking?: Promise<Secret> | undefined;
}

/** Secrets of one vault, in the memory of this process alone. */
export class VaultSecrets implements Secrets {
  readonly #connect: () => Promise<SecretClient>;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #logger: Logger;
  readonly #patience: SecretPatience;
  readonly #entries = new Map<string, Entry>();
  #client: Promise<SecretClient> | undefined;

  /** `connect` is called once, before the first request. */
  constructor(
    connect: () => Promise<SecretClient>,
    { clock, logger }: { readonly clock: Pick<Clock, "nowMs">; readonly logger: Logger },
    patience: Partial<SecretPatience> = {},
  ) {
    this.#connect = connect;
    this.#clock = clock;
    this.#logger = logger;
    this.#patience = { ...usualPatience, ...patience };
  }

  async get(name: string): Promise<Secret> {
    const entry = this.#entry(name);
    const { known } = entry;
    const ageMs = known === undefined ? Infinity : this.#clock.nowMs() - known.askedMs;
    if (known !== undefined && ageMs < this.#patience.freshMs) return known.secret;
    const isUsable = known !== undefined && ageMs < this.#patience.staleMs;
    if (isUsable && this.#clock.nowMs() < entry.retryAtMs) return known.secret;
    try {
      return await this.#ask(entry);
    } catch (error) {
      if (!isUsable || !isDyneError(error) || error.kind !== "unavailable") throw error;
      this.#logger.warn("The vault does not answer; the last known value of a secret is used.", { name, ageMs });
      return known.secret;
    }
  }

  async refresh(refused: Secret): Promise<Secret> {
    const entry = this.#entry(refused.name);
    const newer = () => (entry.known?.secret.version === refused.version ? undefined : entry.known?.secret);
    const known = newer();
    if (known !== undefined) return known;
    // A request that is under way may have been answered before the rotation; one that is there afterwards has begun since.
    await entry.asking?.catch(() => undefined);
    return newer() ?? this.#ask(entry);
  }

  #entry(name: string): Entry {
    if (!/^[\da-z-]{1,127}$/i.test(name)) {
      throw new DyneError(
        "INVALID_ARGUMENT",
        `"${name}" is no name of a secret. Use 1 to 127 letters, digits and hyphens, as in Key Vault.`,
      );
    }
    const key = name.toLowerCase();
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= namesMax)
        throw new DyneError("LIMIT_EXCEEDED", `More than ${namesMax} secrets are asked for. Name fewer.`);
      this.#entries.set(key, (entry = { name, retryAtMs: 0 }));
    }
    return entry;
  }

  #ask(entry: Entry): Promise<Secret> {
    entry.asking ??= this.#read(entry).finally(() => (entry.asking = undefined));
    return entry.asking;
  }

  async #read(entry: Entry): Promise<Secret> {
    const { name } = entry;
    const askedMs = this.#clock.nowMs();
    try {
      const client = await (this.#client ??= this.#connect());
      const abortSignal = AbortSignal.timeout(this.#patience.answerMs);
      const { value = "", properties } = await client.getSecret(name, { abortSignal });
      const secret = new Secret(name, properties.version ?? "", value);
      entry.known = { secret, askedMs };
      entry.retryAtMs = 0;
      return secret;
    } catch (cause) {
      const error = vaultError(name, cause);
      if (error.kind === "unavailable") entry.retryAtMs = this.#clock.nowMs() + this.#patience.retryMs;
      // What was taken away from this identity, or deleted, is not used on.
      else delete entry.known;
      throw error;
    }
  }
}

/** What stands in for a vault where none is set: every secret is missing, and the error says which setting to make. */
export const noSecrets: Secrets = {
  get: (name) => Promise.reject(noVault(name)),
  refresh: ({ name }) => Promise.reject(noVault(name)),
};

function noVault(name: string): DyneError {
  return new DyneError(
    "INVALID_SETTING",
    `The secret ${name} is asked for and there is no vault. Set KEY_VAULT__vaultUri to https://<vault>.vault.azure.net.`,
  );
}

/** Opens the secrets of the vault at an address; asks nothing yet. */
export function openSecrets(
  vaultUri: string | undefined,
  credential: TokenCredential,
  services: { readonly clock: Pick<Clock, "nowMs">; readonly logger: Logger },
): Secrets {
  if (vaultUri === undefined) return noSecrets;
  return new VaultSecrets(async () => {
    // Whoever starts without needing a secret does not load the library.
    const library = await import("@azure/keyvault-secrets");
    return new library.SecretClient(vaultUri, credential, {
      retryOptions: { maxRetries: 2, retryDelayInMs: 500, maxRetryDelayInMs: 2_000 },
      // A vault on this machine has no name below the domain that its tokens are for; any other must have one.
      disableChallengeResourceVerification: isLoopback(vaultUri),
    });
  }, services);
}

/** The port's error for anything that the SDK throws. What the vault answered stays out of it: it may be the value itself. */
function vaultError(name: string, thrown: unknown): DyneError {
  if (thrown instanceof DyneError) return thrown;
  const { status, code } = describeRefusal(thrown);
  const cause = new Error(`${status ?? "no answer"} ${code}`);
  const details = { secret: name, status, code };
  if (status === 404) {
    return new DyneError(
      "SECRET_NOT_FOUND",
      `The vault has no secret ${name}. Create it, or correct the name where it is used.`,
      { cause, details },
    );
  }
  if (status !== undefined && status >= 400 && status < 500 && ![408, 429].includes(status)) {
    return new DyneError(
      "VAULT_DENIED",
      `The vault does not give out ${name} (${status ?? ""} ${code}). Give the app's identity the role Key Vault Secrets User on the vault, ` +
        "and let the vault's network rules admit the app.",
      { cause, details },
    );
  }
  return new DyneError(
    "VAULT_UNAVAILABLE",
    `The vault did not answer for ${name} (${status ?? ""} ${code}). Try again.`,
    {
      cause,
      details,
    },
  );
}
