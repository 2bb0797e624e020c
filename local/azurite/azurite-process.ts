/**
 * The entry of the emulator's child process: Azurite as published, plus four things around it.
 *
 * It owns its folder: one that still runs there is waited for. It keeps a journal of the indexes, so that a SIGKILL loses nothing that was acknowledged, and takes in the journal of a
 * process that was killed. It tells its parent of every blob created in the watched account, from Node's own HTTP diagnostics, so no client has
 * to cooperate and nothing is polled. And it ends in good order, saving its indexes, as soon as its parent is gone.
 *
 * Arguments: the watched account, then Azurite's own.
 */
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { awaitLock } from "../ownership/index.ts";
import { blobCreation, type BlobCreation } from "./blob-creation.ts";
import { recoverIndexes } from "./index-journal.ts";
import { journalIndexes, type LokiModule } from "./journal-hook.ts";

/** Messages from the child: every entry of `created` is one blob; `lost` counts those dropped because the parent was too slow. */
export interface AzuriteMessage {
  readonly created: readonly BlobCreation[];
  readonly lost: number;
}

const pendingMax = 100_000;
const perMessageMax = 256;

/** Sends creations in order, one message in flight, so that a slow parent costs a bounded amount of memory here. */
class CreationChannel {
  #pending: BlobCreation[] = [];
  #lost = 0;
  #sending = false;

  add(creation: BlobCreation): void {
    if (this.#pending.length < pendingMax) this.#pending.push(creation);
    else this.#lost++;
    this.#flush();
  }

  #flush(): void {
    if (this.#sending || !process.connected || this.#pending.length === 0) return;
    const message: AzuriteMessage = { created: this.#pending.splice(0, perMessageMax), lost: this.#lost };
    this.#lost = 0;
    this.#sending = true;
    process.send?.(message, undefined, {}, () => {
      this.#sending = false;
      this.#flush();
    });
  }
}

function watch(account: string): void {
  const channel = new CreationChannel();
  subscribe("http.server.response.finish", (message) => {
    const { request, response } = message as {
      request: IncomingMessage & { originalUrl?: string };
      response: ServerResponse;
    };
    const creation = blobCreation({
      method: request.method ?? "",
      url: request.originalUrl ?? request.url ?? "",
      status: response.statusCode,
      requestHeaders: request.headers,
      responseHeader: (name) => response.getHeader(name),
    });
    if (creation?.account === account) channel.add(creation);
  });
}

/** False while another process still has the folder. */
let isOwner = false;

function endWithParent(): void {
  let ending = false;
  process.once("SIGTERM", () => {
    if (!isOwner) process.exit(0);
    ending = true;
    if (process.connected) process.disconnect();
    // Azurite begins to listen for the signal a little after it says that it is ready.
    if (process.listenerCount("SIGTERM") > 0) return;
    process.on("newListener", (name) => {
      if (name === "SIGTERM") setImmediate(() => process.kill(process.pid, "SIGTERM"));
    });
  });
  process.on("disconnect", () => {
    if (!ending) process.kill(process.pid, "SIGTERM");
  });
  // Whoever read the output is gone as well; Azurite still says that it closes, and must not die of that.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  // The parent's Ctrl-C reaches the whole terminal; storage must outlive whoever still writes to it.
  process.on("SIGINT", () => {});
}

const [watchedAccount = "", ...azuriteArguments] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const entry = require.resolve("azurite/dist/src/azurite.js");
process.argv = [process.execPath, entry, ...azuriteArguments];
const location = azuriteArguments[azuriteArguments.indexOf("--location") + 1] ?? "";
mkdirSync(location, { recursive: true });
endWithParent();
const lock = join(location, ".lock");
await awaitLock(lock);
isOwner = true;
process.once("exit", () => rmSync(lock, { force: true }));
recoverIndexes(location);
journalIndexes(createRequire(entry)("lokijs") as LokiModule);
watch(watchedAccount);
require(entry);
