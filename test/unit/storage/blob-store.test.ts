/** What the emulator never shows: folders of hierarchical accounts, services that refuse to start in the middle, no service at all. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AnonymousCredential, BlobServiceClient } from "@azure/storage-blob";
import { describe, expect, test } from "vitest";
import { AzureBlobStore } from "../../../shared/storage/index.ts";

/** A storage service that answers as told, on a free port of the loopback. */
async function service(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ store: AzureBlobStore } & AsyncDisposable> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/account`;
  const store = new AzureBlobStore(
    new BlobServiceClient(url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } }),
  );
  return {
    store,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function listing(...blobs: readonly { name: string; folder?: boolean }[]): string {
  const items = blobs.map(
    ({ name, folder }) =>
      `<Blob><Name>${name}</Name><Properties><Last-Modified>Tue, 14 Nov 2023 22:13:20 GMT</Last-Modified><Etag>0x1</Etag><Content-Length>0</Content-Length></Properties><Metadata>${folder ? "<hdi_isfolder>true</hdi_isfolder>" : ""}</Metadata></Blob>`,
  );
  return `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="x" ContainerName="lake"><Blobs>${items.join("")}</Blobs><NextMarker /></EnumerationResults>`;
}

const folderHeaders = {
  "x-ms-meta-hdi_isfolder": "true",
  "content-length": "0",
  etag: '"0x1"',
  "last-modified": "Tue, 14 Nov 2023 22:13:20 GMT",
};

describe("AzureBlobStore", () => {
  test("folders of a hierarchical account are no objects", async () => {
    await using under = await service((request, response) => {
      if (request.url?.includes("comp=list"))
        response
          .writeHead(200, { "content-type": "application/xml" })
          .end(listing({ name: "t/_delta_log", folder: true }, { name: "t/_delta_log/0.json" }));
      else response.writeHead(200, folderHeaders).end();
    });
    const { store } = under;
    expect((await Array.fromAsync(store.list("lake/t/"))).map(({ path }) => path)).toEqual([
      "lake/t/_delta_log/0.json",
    ]);
    expect(await store.head("lake/t/_delta_log")).toBeUndefined();
    expect(await store.get("lake/t/_delta_log")).toBeUndefined();
  });

  test("a service that refuses to start a listing in the middle is listed from the beginning", async () => {
    const starts: boolean[] = [];
    await using under = await service((request, response) => {
      starts.push(request.url!.includes("startFrom"));
      if (request.url!.includes("startFrom"))
        response.writeHead(400, { "x-ms-error-code": "InvalidQueryParameterValue" }).end();
      else
        response.writeHead(200, { "content-type": "application/xml" }).end(listing({ name: "t/1" }, { name: "t/2" }));
    });
    const after = async (): Promise<readonly string[]> =>
      (await Array.fromAsync(under.store.list("lake/t/", { after: "lake/t/1" }))).map(({ path }) => path);
    expect(await after()).toEqual(["lake/t/2"]);
    expect(await after()).toEqual(["lake/t/2"]);
    expect(starts).toEqual([true, false, false]);
  });

  test.each([
    [403, "STORAGE_DENIED"],
    [503, "STORAGE_UNAVAILABLE"],
  ])("an answer of %i is thrown as %s by every operation", async (status, code) => {
    await using under = await service((request, response) => {
      request.resume();
      response.writeHead(status).end();
    });
    const { store } = under;
    for (const operation of [
      () => store.get("lake/a"),
      () => store.head("lake/a"),
      () => store.put("lake/a", new Uint8Array(1)),
      () => store.putIfAbsent("lake/a", new Uint8Array(1)),
      () => store.putIfMatch("lake/a", new Uint8Array(1), '"1"'),
      () => store.delete("lake/a"),
      () => store.acquireLease("lake/a", 15),
      () => Array.fromAsync(store.list("lake/a")),
    ]) {
      await expect(operation()).rejects.toMatchObject({ code });
    }
  });

  test("a service that is not there is unavailable", async () => {
    const under = await service(() => {});
    await under[Symbol.asyncDispose]();
    await expect(under.store.get("lake/a")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  });
});
