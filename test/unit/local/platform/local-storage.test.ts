import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownDataFolder, openLocalStorage, startStorage } from "../../../../local/platform/index.ts";
import { publishEndpoints } from "../../../../local/platform/local-storage.ts";
import { silentLogger } from "../../../../shared/core/index.ts";
import type { ObjectStore } from "../../../../shared/storage/index.ts";
import { temporaryDirectory } from "../azurite/temporary-azurite.ts";

const services = { logger: silentLogger };
const textOf = async (store: ObjectStore, path: string) => Buffer.from((await store.get(path))?.bytes ?? []).toString();

test("a folder that holds no tables says what to do", async () => {
  await using directory = await temporaryDirectory();
  await expect(openLocalStorage(directory.path, services)).rejects.toMatchObject({
    code: "TABLE_NOT_FOUND",
    message: expect.stringContaining("npm start"),
  });
});

test(
  "the storage of a run is its own while it runs, and one of the moment after, with the same objects",
  { timeout: 40_000 },
  async () => {
    await using directory = await temporaryDirectory();
    const path = directory.path;
    {
      await using _folder = await ownDataFolder(path);
      await using azurite = await startStorage({ directory: path, logger: silentLogger });
      await using _published = await publishEndpoints(path, azurite.connectionStrings);
      await using running = await openLocalStorage(path, services);
      await running.lake.put("lake/a/b.json", Buffer.from("while it runs"));
      await running.host.put("checkpoints/x", Buffer.from("host"));
      // Whoever reads does not stop the run.
      await running[Symbol.asyncDispose]();
      await using again = await openLocalStorage(path, services);
      expect(await textOf(again.lake, "lake/a/b.json")).toBe("while it runs");
    }
    // What a killed run leaves behind does not keep the folder from being read.
    await writeFile(join(path, "lock"), "1073741824 gone\n");
    await writeFile(
      join(path, "endpoints.json"),
      JSON.stringify({ format: 1, connectionStrings: { host: "gone", lake: "gone" } }),
    );
    await using stopped = await openLocalStorage(path, services);
    expect(await textOf(stopped.lake, "lake/a/b.json")).toBe("while it runs");
    expect(await textOf(stopped.host, "checkpoints/x")).toBe("host");
    await expect(ownDataFolder(path)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  },
);
