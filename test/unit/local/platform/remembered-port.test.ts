import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rememberedPort, rememberPort } from "../../../../local/platform/remembered-port.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-port-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a port is had again while it is free, and not while somebody else has it", async () => {
  const file = join(folder, "port");
  expect(await rememberedPort(file)).toBe(0);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await rememberPort(file, port);
  expect(await rememberedPort(file)).toBe(0);
  await new Promise((closed) => server.close(closed));
  expect(await rememberedPort(file)).toBe(port);
});

test.each(["", "nonsense", "-1", "70000", "1.5"])("what is no port is none: %o", async (text) => {
  const file = join(folder, "broken");
  await writeFile(file, text);
  expect(await rememberedPort(file)).toBe(0);
});
