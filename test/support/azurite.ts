import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";

/** A running emulator on free ports of the loopback, in memory. */
export interface Azurite extends AsyncDisposable {
  readonly blobService: BlobServiceClient;
  readonly connectionString: string;
}

/** The emulator's published account. */
const account = "devstoreaccount1";
const accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** Starts the emulator and waits until its services listen; whoever starts it disposes of it. */
export async function startAzurite(): Promise<Azurite> {
  const script = new URL("../../node_modules/azurite/dist/src/azurite.js", import.meta.url).pathname;
  const ports = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"];
  const child = spawn(
    process.execPath,
    [script, "--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry", ...ports],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exited = once(child, "exit");
  const urls = new Map<string, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [, service, url] = /^Azurite (\w+) service is successfully listening at (\S+)$/.exec(line) ?? [];
    if (service !== undefined && url !== undefined) urls.set(service, `${url}/${account}`);
    if (urls.size === 3) break;
  }
  if (urls.size < 3) throw new Error("Azurite ended before it listened");
  child.stdout.resume();
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${urls.get("Blob")};QueueEndpoint=${urls.get("Queue")};`;
  return {
    blobService: new BlobServiceClient(urls.get("Blob")!, new StorageSharedKeyCredential(account, accountKey), {
      retryOptions: { maxTries: 2 },
    }),
    connectionString,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
