import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createCertificate,
  readCertificate,
  trustCertificate,
  type Certificate,
} from "../../../../local/identity/index.ts";
import { systemClock } from "../../../../shared/core/index.ts";

let directory: string;
let certificate: Certificate;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "dyne-certificate-"));
  certificate = await createCertificate(join(directory, "tls"), systemClock);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("only the user can read the key, and what is read back is what was made", async () => {
  const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  expect([await mode(certificate.keyPath), await mode(dirname(certificate.keyPath))]).toEqual(["600", "700"]);
  expect(await readCertificate(certificate.certificatePath, certificate.keyPath)).toEqual(certificate);
});

test("it is for this machine's names, for servers, and signs nothing", () => {
  const read = new X509Certificate(certificate.certificate);
  expect(read.ca).toBe(false);
  expect(read.subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1");
  expect([read.checkHost("example.com"), read.checkHost("localhost")]).toEqual([undefined, "localhost"]);
});

test("a process believes it from the call until it is disposed of, and keeps believing another one", async () => {
  const other = await createCertificate(join(directory, "other"), systemClock);
  await using stack = new AsyncDisposableStack();
  const urls = await Promise.all([certificate, other].map((each) => serve(each, stack)));
  const answers = () => Promise.all(urls.map(answer));
  expect(await answers()).toEqual([
    expect.stringMatching(/SELF_SIGNED|VERIFY/),
    expect.stringMatching(/SELF_SIGNED|VERIFY/),
  ]);
  using _ = trustCertificate(other);
  {
    using __ = trustCertificate(certificate);
    expect(await answers()).toEqual(["200", "200"]);
  }
  expect(await answers()).toEqual([expect.stringMatching(/SELF_SIGNED|VERIFY/), "200"]);
});

async function serve(each: Certificate, stack: AsyncDisposableStack): Promise<string> {
  const server = createServer({ cert: each.certificate, key: each.key }, (_, response) => response.end()).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  stack.defer(() => void server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The status of an answer over a new connection, or the code of the error. */
function answer(url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      resolve(String(response.statusCode));
    });
    request.once("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? ""));
  });
}
