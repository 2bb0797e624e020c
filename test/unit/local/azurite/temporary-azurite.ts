import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ensureAzuriteLayout, startAzurite, type Azurite } from "../../../../local/azurite/index.ts";
import { silentLogger } from "../../../../shared/core/index.ts";

/** A folder of its own, removed when disposed of. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "dyne-local-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Both accounts with their containers and queues, in a folder of their own. */
export async function temporaryAzurite(): Promise<{ readonly azurite: Azurite } & AsyncDisposable> {
  const directory = await temporaryDirectory();
  const azurite = await startAzurite({ directory: directory.path, logger: silentLogger });
  await ensureAzuriteLayout(azurite.connectionStrings);
  return {
    azurite,
    async [Symbol.asyncDispose]() {
      await azurite[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
