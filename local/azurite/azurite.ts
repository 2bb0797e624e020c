import { spawn, type ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

import { DyneError, followLines, limits, type Logger, sentence } from "../../shared/core/index.ts";
import {
  accountNames,
  accountsVariable,
  connectionString,
  endpointsOf,
  type AccountEndpoints,
  type AccountName,
} from "./accounts.ts";
import type { AzuriteMessage } from "./azurite-process.ts";
import type { BlobCreation } from "./blob-creation.ts";

/** How the emulator is started. */
export interface AzuriteOptions {
  /** Where it keeps its data; created if absent. One process per directory. */
  readonly directory: string;
  readonly logger: Logger;
  /** Heap of the process in MiB; below 2,048. */
  readonly heapMb?: number;
  /** Fixed ports, to come back at the same address; free ones otherwise. */
  readonly ports?: { readonly blob: number; readonly queue: number };
  /** Speak TLS with this certificate, and take access tokens beside keys. */
  readonly certificate?: { readonly certificatePath: string; readonly keyPath: string } | undefined;
}

/** Azure Storage on this machine: blobs and queues of the accounts `host` and `lake`, on loopback. */
export interface Azurite extends AsyncDisposable {
  readonly blobPort: number;
  readonly queuePort: number;
  readonly pid: number;
  readonly connectionStrings: Readonly<Record<AccountName, string>>;
  readonly endpoints: Readonly<Record<AccountName, AccountEndpoints>>;
  /** Calls `listener` after every blob creation in the account `lake`, in the order of completion; returns how to stop that. */
  onBlobCreated(listener: (creation: BlobCreation) => void): () => void;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<void>;
}

const startLimitMs = 30_000;
const stopLimitMs = 10_000;
const heapMbMax = 2_047;

/**
 * Starts Azurite as a child process that cannot outlive this one. A directory left behind by a killed process is
 * opened again with all that it had acknowledged, see index-journal.ts; only the machine itself must not have stopped.
 *
 * Errors: `INVALID_ARGUMENT` for a heap of 2 GiB or more, `STORAGE_UNAVAILABLE` if it does not come up (a retry is safe).
 */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const heapMb = options.heapMb ?? 1_024;
  if (!Number.isInteger(heapMb) || heapMb < 64 || heapMb > heapMbMax) {
    throw new DyneError("INVALID_ARGUMENT", `A heap of ${heapMb} MiB is not possible. Use 64 to ${heapMbMax}.`);
  }
  await mkdir(options.directory, { recursive: true });
  const child = spawnAzurite(options, heapMb);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const listeners = new Set<(creation: BlobCreation) => void>();
  child.on("message", (message: AzuriteMessage) => deliver(message, listeners, options.logger));

  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    await end(child, exited);
  };
  try {
    const ports = await listening(child, options.logger);
    child.once("exit", (code, signal) => {
      if (!stopping) options.logger.error("The storage emulator ended by itself.", { code, signal });
    });
    const at = { ...ports, protocol: options.certificate === undefined ? "http" : "https" } as const;
    const endpoints = { host: endpointsOf("host", at), lake: endpointsOf("lake", at) };
    return {
      blobPort: ports.blob,
      queuePort: ports.queue,
      pid: child.pid ?? 0,
      connectionStrings: {
        host: connectionString("host", endpoints.host),
        lake: connectionString("lake", endpoints.lake),
      },
      endpoints,
      onBlobCreated(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      exited,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function spawnAzurite(options: AzuriteOptions, heapMb: number): ChildProcess {
  // Sources run unbuilt and the packed package runs emitted JavaScript: the entry has this file's own extension.
  const entry = fileURLToPath(new URL(`./azurite-process${extname(import.meta.filename)}`, import.meta.url));
  const loopback = ["--blobHost", "127.0.0.1", "--queueHost", "127.0.0.1", "--tableHost", "127.0.0.1"];
  const ports = [
    "--blobPort",
    `${options.ports?.blob ?? 0}`,
    "--queuePort",
    `${options.ports?.queue ?? 0}`,
    "--tablePort",
    "0",
  ];
  // A kept connection that the server closes while a client reuses it costs that client a retry and a doubtful answer.
  const patience = ["--blobKeepAliveTimeout", "120", "--queueKeepAliveTimeout", "120"];
  const { certificate } = options;
  // It looks at who issued a token, for whom and until when, and not at the signature: "basic" is all that there is.
  const tokens =
    certificate === undefined
      ? []
      : ["--oauth", "basic", "--cert", certificate.certificatePath, "--key", certificate.keyPath];
  return spawn(
    process.execPath,
    [
      `--max-old-space-size=${heapMb}`,
      entry,
      "lake" satisfies AccountName,
      ...["--location", options.directory, "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
      ...loopback,
      ...ports,
      ...patience,
      ...tokens,
    ],
    {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { AZURITE_ACCOUNTS: accountsVariable(), NODE_NO_WARNINGS: "1" },
      detached: true,
    },
  );
}

/** Follows the child's output; resolves with its ports once both services listen. */
function listening(child: ChildProcess, logger: Logger): Promise<{ blob: number; queue: number }> {
  const lastLines: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      clearTimeout(timer);
      reject(
        new DyneError(
          "STORAGE_UNAVAILABLE",
          `The storage emulator did not start: ${sentence(reason)} Its last words: ${lastLines.join(" | ")}`,
          {
            details: { accounts: accountNames },
          },
        ),
      );
    };
    const timer = setTimeout(() => fail(`no answer in ${startLimitMs} ms`), startLimitMs);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`it ended with ${code ?? signal}`));
    let blob: number | undefined;
    let queue: number | undefined;
    const follow = (line: string): void => {
      if (lastLines.push(line) > 10) lastLines.shift();
      logger.debug("Storage emulator", { line });
      const found = /Azurite (Blob|Queue|Table) service is successfully listening at \S+:(\d+)/.exec(line);
      if (found?.[1] === "Blob") blob = Number(found[2]);
      if (found?.[1] === "Queue") queue = Number(found[2]);
      if (blob !== undefined && queue !== undefined) {
        clearTimeout(timer);
        resolve({ blob, queue });
      }
    };
    const leaveOut = (error: DyneError): void => follow(error.message);
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) followLines(stream, limits.lineBytes, follow, leaveOut);
  });
}

function deliver(
  message: AzuriteMessage,
  listeners: ReadonlySet<(creation: BlobCreation) => void>,
  logger: Logger,
): void {
  if (message.lost > 0) logger.error("Blob creations were not reported: too many at once.", { lost: message.lost });
  for (const creation of message.created) {
    for (const listener of listeners) listener(creation);
  }
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopLimitMs);
  await exited;
  clearTimeout(timer);
}
