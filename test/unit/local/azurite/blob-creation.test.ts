import { expect, test } from "vitest";

import { blobCreation, type Exchange } from "../../../../local/azurite/blob-creation.ts";

function exchange(url: string, more: Partial<Exchange> = {}): Exchange {
  return { method: "PUT", url, status: 201, requestHeaders: {}, responseHeader: () => undefined, ...more };
}

test.each([
  ["a put", exchange("/lake/landing/a/b.json"), "PutBlob"],
  ["a committed block list", exchange("/lake/landing/a/b.json?comp=blocklist&timeout=30"), "PutBlockList"],
  [
    "a copy",
    exchange("/lake/landing/a/b.json", { status: 202, requestHeaders: { "x-ms-copy-source": "http://x/y" } }),
    "CopyBlob",
  ],
])("%s creates a blob", (_, put, api) => {
  expect(blobCreation(put)).toMatchObject({ account: "lake", container: "landing", blob: "a/b.json", api });
});

test.each([
  ["a put that was refused", exchange("/lake/landing/a", { status: 409 })],
  ["a staged block", exchange("/lake/landing/a?comp=block&blockid=MQ==")],
  ["new metadata", exchange("/lake/landing/a?comp=metadata", { status: 200 })],
  ["a lease", exchange("/lake/landing/a?comp=lease")],
  ["a container", exchange("/lake/landing?restype=container")],
  ["a read", exchange("/lake/landing/a", { method: "GET", status: 200 })],
  ["a removal", exchange("/lake/landing/a", { method: "DELETE", status: 202 })],
])("%s creates no blob", (_, other) => {
  expect(blobCreation(other)).toBeUndefined();
});

test("a blob's name is decoded and its length is taken from the request", () => {
  const creation = blobCreation(
    exchange("/lake/landing/x%20y/%C3%BC%2520.json", { requestHeaders: { "content-length": "17" } }),
  );
  expect(creation).toMatchObject({ blob: "x y/ü%20.json", contentLengthBytes: 17 });
});
