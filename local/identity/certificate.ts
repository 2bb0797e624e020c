/** A certificate for this machine's loopback addresses, and who believes it. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Clock } from "../../shared/core/index.ts";

/** Where the certificate and its key are, and what is in them (PEM). */
export interface Certificate {
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly certificate: string;
  readonly key: string;
}

const dayMs = 24 * 60 * 60_000;
/** A data folder is used for days; nobody is to keep believing a key that lies about on a disk for longer. */
const validDays = 30;

/**
 * Makes a certificate for 127.0.0.1 and localhost, signed by itself, and writes it and its key into a folder; only the user may read the
 * key. What was there is replaced.
 */
export async function createCertificate(directory: string, clock: Pick<Clock, "nowMs">): Promise<Certificate> {
  const nowMs = clock.nowMs();
  // Loaded here, so that who only reads a certificate starts without it.
  const { generate } = await import("selfsigned");
  // Who believes two certificates tells them apart by this name.
  const name = `dyne local services ${randomBytes(8).toString("hex")}`;
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(nowMs - dayMs),
    notAfterDate: new Date(nowMs + validDays * dayMs),
    extensions: [
      // Not a CA: whoever believes it believes these addresses and nothing that its key might sign.
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const certificatePath = join(directory, "certificate.pem");
  const keyPath = join(directory, "key.pem");
  await writeWhole(certificatePath, made.cert);
  await writeWhole(keyPath, made.private);
  return { certificatePath, keyPath, certificate: made.cert, key: made.private };
}

/** Reads a certificate that `createCertificate` wrote. */
export async function readCertificate(certificatePath: string, keyPath: string): Promise<Certificate> {
  return {
    certificatePath,
    keyPath,
    certificate: await readFile(certificatePath, "utf8"),
    key: await readFile(keyPath, "utf8"),
  };
}

/**
 * Lets connections that this process opens from now on believe a certificate, beside those that it believes anyway, until it is disposed of.
 * A process that is started with `NODE_EXTRA_CA_CERTS` needs no call.
 */
export function trustCertificate({ certificate }: Pick<Certificate, "certificate">): Disposable {
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, certificate]);
  return {
    [Symbol.dispose]: () =>
      setDefaultCACertificates(getCACertificates("default").filter((pem) => !isSame(pem, certificate))),
  };
}

function isSame(one: string, other: string): boolean {
  const bare = (pem: string) => pem.replaceAll(/\s/g, "");
  return bare(one) === bare(other);
}

/** A reader sees the old file or the new one, and no other user sees either. */
async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${randomBytes(4).toString("hex")}`;
  await writeFile(partial, text, { mode: 0o600, flag: "wx" });
  await rename(partial, path);
}
