/** Which absolute paths and URIs are objects of which store. */
import { posix, win32 } from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../shared/core/index.ts";
import { AzureBlobStore, FileStore, MemoryStore } from "../../../shared/storage/index.ts";
import {
  blobAddressPath,
  fileAddressPath,
  isLocalName,
  memoryAddressPath,
} from "../../../shared/storage/object-address.ts";
import { InstantClock } from "../../support/instant-clock.ts";

describe("a local folder /data/lake", () => {
  test.each([
    ["/data/lake/silver/t/x", "silver/t/x"],
    ["file:///data/lake/silver/t/x", "silver/t/x"],
    ["file:/data/lake/silver/t/x", "silver/t/x"],
    ["FILE://LocalHost/data/lake/silver/t/x", "silver/t/x"],
    ["/data/lake//silver/./t/y/../x", "silver/t/x"],
    ["/data/other/../lake/silver/x", "silver/x"],
    ["/data/lake/silver/with%20space/p@%23h", "silver/with space/p@#h"],
    ["/data/lake/silver/a%2Fb", "silver/a/b"],
    ["/data/lake/silver/at=10%253A30/x", "silver/at=10%3A30/x"],
    ["/data/lake/silver/a\\b", "silver/a\\b"],
  ])("has %s as %s", (address, expected) => {
    expect(fileAddressPath("/data/lake", address, posix)).toBe(expected);
    expect(fileAddressPath("/data/lake/", address, posix)).toBe(expected);
  });

  test.each([
    "/etc/passwd",
    "/data/lake",
    "/data/lake/silver",
    "/data/lake2/silver/x",
    "/data/Lake/silver/x",
    "/data/lake/../lake2/silver/x",
    "/data/lake/silver/../../../etc/x",
    "/data/lake/%2e%2e/other/x/y",
    "/data/lake/silver/%2E%2E%2F%2e%2e%2Fx/y",
    "/data/lake/silver/a%00b",
    "/data/lake/silver/100%",
    "/data/lake/silver/x?y",
    "/data/lake/silver/x#y",
    "//data/lake/silver/x",
    "file://data/lake/silver/x",
    "file://server/data/lake/silver/x",
    "file:data/lake/silver/x",
    "https://data/lake/silver/x",
    "s3://data/lake/silver/x",
    "C:/data/lake/silver/x",
    "data/lake/silver/x",
    "",
  ])("has nothing at %j", (address) => {
    expect(fileAddressPath("/data/lake", address, posix)).toBeUndefined();
  });

  test("that is the whole file system has all of it", () => {
    expect(fileAddressPath("/", "file:///data/t/x", posix)).toBe("data/t/x");
  });
});

describe("a local folder C:\\data\\lake", () => {
  test.each([
    ["C:\\data\\lake\\silver\\x", "silver/x"],
    ["c:/data/lake/silver/x", "silver/x"],
    ["file:///C:/data/lake/silver/x", "silver/x"],
    ["file:/c:/data/lake/silver/a%20b", "silver/a b"],
    ["C:\\data\\lake\\silver\\t\\..\\x", "silver/x"],
  ])("has %s as %s", (address, expected) => {
    expect(fileAddressPath("C:\\data\\lake", address, win32)).toBe(expected);
  });

  test.each([
    "D:\\data\\lake\\silver\\x",
    "C:\\data\\lake2\\silver\\x",
    "C:\\data\\lake\\silver\\..\\..\\x\\y",
    "file:///C:/data/lake/silver/..%5C..%5Cother/x",
    "file:///C:/data/lake/silver/x:stream",
    "\\\\server\\data\\lake\\silver\\x",
    "/data/lake/silver/x",
  ])("has nothing at %s", (address) => {
    expect(fileAddressPath("C:\\data\\lake", address, win32)).toBeUndefined();
  });

  test("has no names in which a folder or a stream hides", () => {
    expect(["lake/a\\..\\b", "lake/a:b", "lake/ab"].map((name) => isLocalName(name, win32))).toEqual([
      false,
      false,
      true,
    ]);
    expect(isLocalName("lake/a\\..\\b:c", posix)).toBe(true);
  });
});

describe("the storage account account", () => {
  const service = "https://account.blob.core.windows.net/";
  test.each([
    ["abfss://lake@account.dfs.core.windows.net/t/x", "lake/t/x"],
    ["abfs://lake@account.dfs.core.windows.net/t/x", "lake/t/x"],
    ["ABFSS://lake@Account.DFS.core.windows.net:443/t/x", "lake/t/x"],
    ["wasbs://lake@account.blob.core.windows.net/t/x", "lake/t/x"],
    ["wasb://lake@account.blob.core.windows.net/t/x", "lake/t/x"],
    ["https://account.blob.core.windows.net/lake/t/x", "lake/t/x"],
    ["https://account.dfs.core.windows.net/lake/t//a%20b", "lake/t/a b"],
    ["abfss://lake@account.dfs.core.windows.net/t/../t2/./x", "lake/t2/x"],
    ["abfss://gold@account.dfs.core.windows.net/t/x", "gold/t/x"],
    ["/t/x", "lake/t/x"],
  ])("has %s as %s", (address, expected) => {
    expect(blobAddressPath(service, address, "lake")).toBe(expected);
    expect(blobAddressPath(`${service}?sv=2024&sig=secret`, address, "lake")).toBe(expected);
  });

  test.each([
    "abfss://lake@account2.dfs.core.windows.net/t/x",
    "abfss://lake@account.dfs.core.windows.net.example.com/t/x",
    "abfss://account.dfs.core.windows.net/t/x",
    "abfss://@account.dfs.core.windows.net/t/x",
    "abfss://lake@account.dfs.core.windows.net@example.com/t/x",
    "abfss://lake@account.dfs.core.windows.net",
    "abfss://lake@account.dfs.core.windows.net/../x",
    "abfss://lake@account.dfs.core.windows.net/%2e%2e/x",
    "abfss://lake@account.dfs.core.windows.net/t/x?sig=secret",
    "abfss://lake@account.dfs.core.windows.net:444/t/x",
    "https://lake@account.blob.core.windows.net/t/x",
    "https://account.file.core.windows.net/lake/t/x",
    "https://account.blob.core.windows.net/lake",
    "https://account.blob.core.windows.net/lake/../../x",
    "https://xaccount.blob.core.windows.net/lake/t/x",
    "az://lake/t/x",
    "file:///lake/t/x",
    "s3://lake/t/x",
    "//lake/t/x",
  ])("has nothing at %s", (address) => {
    expect(blobAddressPath(service, address, "lake")).toBeUndefined();
  });

  test("is the first folder of an emulator's addresses", () => {
    const emulator = "http://127.0.0.1:10000/devstoreaccount1";
    expect(blobAddressPath(emulator, "http://127.0.0.1:10000/devstoreaccount1/lake/t/x", "lake")).toBe("lake/t/x");
    for (const address of [
      "http://127.0.0.1:10000/lake/t/x",
      "http://127.0.0.1:10000/devstoreaccount2/lake/t/x",
      "http://127.0.0.1:10001/devstoreaccount1/lake/t/x",
      "abfss://lake@127.0.0.1:10000/devstoreaccount1/t/x",
    ])
      expect(blobAddressPath(emulator, address, "lake"), address).toBeUndefined();
  });

  test("may be one of another cloud, or a workspace of Fabric", () => {
    const fabric = "https://onelake.blob.fabric.microsoft.com";
    expect(blobAddressPath(fabric, "abfss://w@onelake.dfs.fabric.microsoft.com/l.Lakehouse/Tables/t/x", "w")).toBe(
      "w/l.Lakehouse/Tables/t/x",
    );
  });
});

test("a store in memory has addresses of its own", () => {
  expect(memoryAddressPath("memory:///lake/t/a%20b")).toBe("lake/t/a b");
  for (const address of ["memory://lake/t/x", "memory:///../t/x", "/lake/t/x", "file:///lake/t/x"])
    expect(memoryAddressPath(address), address).toBeUndefined();
});

test("whatever is written, what comes out is below the root, without dots, and names the same place again", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "..",
      ".",
      "",
      "%2e%2e",
      "%2E%2e%2F",
      "a",
      "lake",
      "lake2",
      "data",
      "%00",
      "%",
      "\\",
      "?",
      "#",
      ":",
      "@",
      " ",
    ),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  const start = fc.constantFrom(
    "/",
    "//",
    "/data/lake/",
    "file:/",
    "file:///data/lake/",
    "file://localhost/data/",
    "memory:///",
    "abfss://lake@account.dfs.core.windows.net/",
    "abfss://lake@account.dfs.core.windows.net",
    "https://account.blob.core.windows.net/lake/",
  );
  const services = { clock: new InstantClock(0), random: seededRandom(1) };
  const stores = [
    { store: new FileStore("/data/lake", services), address: "file:///data/lake/" },
    { store: new MemoryStore(services), address: "memory:///" },
    {
      store: new AzureBlobStore(new BlobServiceClient("https://account.blob.core.windows.net")),
      address: "https://account.blob.core.windows.net/",
    },
  ];
  let found = 0;
  fc.assert(
    fc.property(start, fc.array(piece, { maxLength: 6 }), (scheme, pieces) => {
      const written = `${scheme}${pieces.join("/")}`;
      for (const { store, address } of stores) {
        const path = store.pathOf(written, "lake");
        if (path === undefined) continue;
        found++;
        const segments = path.split("/");
        expect(segments.length).toBeGreaterThan(1);
        expect(segments.some((segment) => ["", ".", ".."].includes(segment) || segment.includes("\0"))).toBe(false);
        expect(store.pathOf(`${address}${segments.map(encodeURIComponent).join("/")}`, "lake")).toBe(path);
      }
    }),
    { numRuns: 500 },
  );
  expect(found).toBeGreaterThan(20);
});
