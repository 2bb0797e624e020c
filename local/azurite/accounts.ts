/** The two storage accounts of a deployment, as the emulator knows them. */
export type AccountName = "host" | "lake";

/** Both accounts: `host` holds the platform's own state, `lake` holds data. */
export const accountNames: readonly AccountName[] = ["host", "lake"];

/**
 * Fixed keys, one per account. They protect nothing: the emulator listens on loopback only, and a key that never
 * changes lets every tool on the machine open the same data folder again.
 */
const accountKeys: Readonly<Record<AccountName, string>> = {
  host: Buffer.from("dyne local storage emulator, account host, well-known key 000000").toString("base64"),
  lake: Buffer.from("dyne local storage emulator, account lake, well-known key 000000").toString("base64"),
};

/** The accounts in the form of Azurite's `AZURITE_ACCOUNTS`. */
export function accountsVariable(): string {
  return accountNames.map((name) => `${name}:${accountKeys[name]}`).join(";");
}

/** Where the services of an account are. */
export interface AccountEndpoints {
  readonly blob: string;
  readonly queue: string;
}

/** An account's endpoints on loopback. */
export function endpointsOf(
  account: AccountName,
  at: { readonly protocol: "http" | "https"; readonly blob: number; readonly queue: number },
): AccountEndpoints {
  const url = (port: number) => `${at.protocol}://127.0.0.1:${port}/${account}`;
  return { blob: url(at.blob), queue: url(at.queue) };
}

/** A connection string for one account. */
export function connectionString(account: AccountName, endpoints: AccountEndpoints): string {
  return [
    `DefaultEndpointsProtocol=${new URL(endpoints.blob).protocol.slice(0, -1)}`,
    `AccountName=${account}`,
    `AccountKey=${accountKeys[account]}`,
    `BlobEndpoint=${endpoints.blob}`,
    `QueueEndpoint=${endpoints.queue}`,
  ].join(";");
}
