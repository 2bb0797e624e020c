import { inspect } from "node:util";
import { SecretClient } from "@azure/keyvault-secrets";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { resources } from "../../../local/identity/index.ts";
import { startKeyVault, type KeyVault, type VaultFault } from "../../../local/key-vault/index.ts";
import { ManualClock, systemClock, systemRandom, type Logger } from "../../../shared/core/index.ts";
import { credentialOf, openSecrets, VaultSecrets, type Secret } from "../../../shared/runtime/index.ts";
import { localIdentity, type LocalIdentity } from "../../support/identity.ts";

const minuteMs = 60_000;
const name = "sql-password";

let local: LocalIdentity;
let vault: KeyVault;
let fault: VaultFault | undefined;
let arrived: PromiseWithResolvers<void>;
let clock: ManualClock;
let lines: string[];
let secrets: VaultSecrets;

beforeAll(async () => {
  local = await localIdentity();
});
afterAll(() => local[Symbol.asyncDispose]());
beforeEach(async () => {
  await local.become();
  fault = undefined;
  arrived = Promise.withResolvers();
  clock = new ManualClock(0);
  lines = [];
  vault = await startKeyVault({
    certificate: local.certificate,
    authority: `${local.identity.authorityHost}/${local.identity.tenantId}`,
    tokens: local.check(resources.keyVault),
    rights: { [local.app.objectId]: ["get"] },
    clock: systemClock,
    random: systemRandom,
    onRequest: () => {
      arrived.resolve();
      return fault;
    },
  });
  secrets = secretsOf(local.app.clientId);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await vault[Symbol.asyncDispose]();
});

const log = (message: string, fields: object = {}) => void lines.push(JSON.stringify({ message, ...fields }));
const logger: Logger = { debug: log, info: log, warn: log, error: log };

/** As an app with an identity reads: the SDK's client, its tokens, one try. */
function secretsOf(clientId: string, patience = {}): VaultSecrets {
  const client = new SecretClient(vault.vaultUri, credentialOf(clientId), {
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries: 0 },
  });
  return new VaultSecrets(
    async () => client,
    { clock, logger },
    { freshMs: 5 * minuteMs, staleMs: 60 * minuteMs, ...patience },
  );
}

const outage: VaultFault = { kind: "answer", status: 503, body: "" };
const valueOf = async (secret: Promise<Secret>) => (await secret).reveal();

describe("a secret", () => {
  test("is read once and used for a time: a rotation is seen at its end at the latest", async () => {
    vault.set(name, "first");
    expect(await valueOf(secrets.get(name))).toBe("first");
    const reads = vault.reads;
    vault.set(name, "second");
    clock.advance(5 * minuteMs - 1);
    expect([await valueOf(secrets.get(name)), vault.reads]).toEqual(["first", reads]);
    clock.advance(1);
    expect(await valueOf(secrets.get(name))).toBe("second");
  });

  test("is asked for once at a time, however many wait for it, and by whatever case of its name", async () => {
    vault.set(name, "first");
    await secretsOf(local.app.clientId).get(name);
    const before = vault.reads;
    const all = await Promise.all(Array.from({ length: 50 }, (_, k) => secrets.get(k % 2 ? name : name.toUpperCase())));
    expect(new Set(all.map((secret) => secret.reveal()))).toEqual(new Set(["first"]));
    // The SDK asks once without a token to be told where tokens are.
    expect(vault.reads - before).toBe(2);
  });

  test("that a service has refused is read again at once, by one request for all who were refused", async () => {
    vault.set(name, "first");
    const refused = await secrets.get(name);
    vault.set(name, "second");
    const before = vault.reads;
    const all = await Promise.all(Array.from({ length: 20 }, () => secrets.refresh(refused)));
    expect(new Set(all.map((secret) => secret.reveal()))).toEqual(new Set(["second"]));
    expect(vault.reads - before).toBe(1);
    expect(await valueOf(secrets.refresh(refused))).toBe("second");
    expect(vault.reads - before).toBe(1);
  });

  test("that was refused is not taken from a request that began before", async () => {
    vault.set(name, "first");
    const refused = await secrets.get(name);
    clock.advance(5 * minuteMs);
    const under = secrets.get(name);
    const refreshed = secrets.refresh(refused);
    expect((await under).version).toBe(refused.version);
    vault.set(name, "second");
    expect(await valueOf(refreshed)).toBe("second");
  });

  test("that is refused while it is read again for another caller is read once more", async () => {
    vault.set(name, "first");
    const refused = await secrets.get(name);
    const before = vault.reads;
    arrived = Promise.withResolvers();
    const earlier = secrets.refresh(refused);
    await arrived.promise;
    const later = Promise.all([secrets.refresh(refused), secrets.refresh(refused)]);
    expect((await earlier).version).toBe(refused.version);
    vault.set(name, "second");
    expect((await later).map((secret) => secret.reveal())).toEqual(["second", "second"]);
    expect(vault.reads - before).toBe(2);
  });

  test("that was refused and is the only one there is comes back with the same version", async () => {
    vault.set(name, "first");
    const refused = await secrets.get(name);
    expect((await secrets.refresh(refused)).version).toBe(refused.version);
  });
});

describe("while the vault does not answer", () => {
  test("what is known is used up to a limit, and the vault is not asked each time", async () => {
    vault.set(name, "first");
    await secrets.get(name);
    fault = outage;
    clock.advance(10 * minuteMs);
    const before = vault.reads;
    for (let n = 0; n < 10; n++) expect(await valueOf(secrets.get(name))).toBe("first");
    expect(vault.reads - before).toBe(1);
    expect(lines).toHaveLength(1);
    clock.advance(30_000);
    await secrets.get(name);
    expect(vault.reads - before).toBe(2);
    clock.advance(50 * minuteMs);
    await expect(secrets.get(name)).rejects.toMatchObject({ code: "VAULT_UNAVAILABLE", kind: "unavailable" });
  });

  test("and answers again, the newest value is there", async () => {
    vault.set(name, "first");
    await secrets.get(name);
    vault.set(name, "second");
    fault = { kind: "drop" };
    clock.advance(10 * minuteMs);
    expect(await valueOf(secrets.get(name))).toBe("first");
    fault = undefined;
    clock.advance(30_000);
    expect(await valueOf(secrets.get(name))).toBe("second");
  });

  test("who was refused is not given the old value again, and who was not still is", async () => {
    vault.set(name, "first");
    const refused = await secrets.get(name);
    fault = outage;
    await expect(secrets.refresh(refused)).rejects.toMatchObject({ code: "VAULT_UNAVAILABLE" });
    expect(await valueOf(secrets.get(name))).toBe("first");
  });

  test("a value that was never read is not there", async () => {
    vault.set(name, "first");
    fault = outage;
    await expect(secrets.get(name)).rejects.toMatchObject({ code: "VAULT_UNAVAILABLE" });
    fault = undefined;
    expect(await valueOf(secrets.get(name))).toBe("first");
  });

  test("nobody waits for it without end", async () => {
    vault.set(name, "first");
    const patient = secretsOf(local.app.clientId, { answerMs: 100 });
    fault = { kind: "hang" };
    await expect(patient.get(name)).rejects.toMatchObject({ code: "VAULT_UNAVAILABLE" });
  });
});

describe("what is refused", () => {
  test("an identity without the role is told which one", async () => {
    vault.set(name, "first");
    await expect(secretsOf(local.other.clientId).get(name)).rejects.toMatchObject({
      code: "VAULT_DENIED",
      message: expect.stringMatching(/403 Forbidden.*Key Vault Secrets User/),
    });
  });

  test("an identity that the app has not is told so", async () => {
    await expect(secretsOf("c0000000-0000-4000-8000-000000000001").get(name)).rejects.toMatchObject({
      code: "IDENTITY_DENIED",
      message: expect.stringContaining("AZURE_CLIENT_ID"),
    });
  });

  test.each([
    ["a secret that there is not", "absent", "SECRET_NOT_FOUND"],
    ["a path instead of a name", "../keys/a", "INVALID_ARGUMENT"],
    ["an empty name", "", "INVALID_ARGUMENT"],
    ["a name that is too long", "a".repeat(128), "INVALID_ARGUMENT"],
  ])("%s", async (_, wanted, code) => {
    await expect(secrets.get(wanted)).rejects.toMatchObject({ code });
  });

  test("a value that is known is not used on when its secret is deleted or the role taken away", async () => {
    vault.set(name, "first");
    await secrets.get(name);
    vault.remove(name);
    clock.advance(5 * minuteMs);
    await expect(secrets.get(name)).rejects.toMatchObject({ code: "SECRET_NOT_FOUND" });
    fault = outage;
    await expect(secrets.get(name)).rejects.toMatchObject({ code: "VAULT_UNAVAILABLE" });
  });

  test("where no vault is set, the setting is named", async () => {
    const none = openSecrets(undefined, credentialOf(undefined), { clock, logger });
    await expect(none.get(name)).rejects.toMatchObject({
      code: "INVALID_SETTING",
      message: expect.stringContaining("KEY_VAULT__vaultUri"),
    });
  });
});

describe("a value", () => {
  const value = "hunter2-hunter2";

  test("is in no text, JSON, inspection, copy or key of its secret", async () => {
    vault.set(name, value);
    const secret = await secrets.get(name);
    const shown = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: null, showHidden: true }),
      JSON.stringify(Object.entries(secret)),
      JSON.stringify(Object.getOwnPropertyDescriptors(secret)),
      inspect(structuredClone(secret)),
      inspect(secrets, { depth: null, showHidden: true }),
    ].join("\n");
    expect(shown).toContain("[secret]");
    expect(shown).not.toContain(value);
    expect(secret.reveal()).toBe(value);
  });

  test.each([
    ["an answer that is no JSON", 200, `{"value":"${value}`, "VAULT_UNAVAILABLE"],
    ["an answer of another form", 200, `"${value}"`, "VAULT_UNAVAILABLE"],
    ["an error that quotes it", 400, JSON.stringify({ error: { code: "Bad", message: value } }), "VAULT_DENIED"],
  ])("is in no error and no log line: %s", async (_, status, body, code) => {
    vault.set(name, "first");
    const known = await secrets.get(name);
    fault = { kind: "answer", status, body };
    const error: unknown = await secrets.refresh(known).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    clock.advance(10 * minuteMs);
    await secrets.get(name).catch(() => undefined);
    const shown = [inspect(error, { depth: null, showHidden: true }), JSON.stringify(error), String(error), ...lines];
    expect(shown.join("\n")).not.toContain(value);
  });
});
