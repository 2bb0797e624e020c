/**
 * Absolute paths and URIs as other writers put them into their logs, as paths of a store. Only spellings of this very store are known:
 *
 *     a local folder      /data/lake/t/x   file:///data/lake/t/x   file:/data/lake/t/x   file://localhost/data/lake/t/x   C:\lake\t\x
 *     a storage account   abfss://lake@account.dfs.core.windows.net/t/x   abfs://…   wasbs://lake@account.blob.core.windows.net/t/x
 *                         https://account.blob.core.windows.net/lake/t/x   https://account.dfs.core.windows.net/lake/t/x   /t/x
 *
 * Hosts and schemes are compared whatever their case, all else letter by letter. Percent-encoding is undone once, and dots are resolved,
 * before anything is compared: what comes out has neither.
 */
import type { PlatformPath } from "node:path";

interface Address {
  /** In small letters; undefined for a path without one. */
  readonly scheme: string | undefined;
  /** In small letters; undefined where there is none, `""` where it is empty. */
  readonly authority: string | undefined;
  readonly segments: readonly string[];
}

/** RFC 2396, without query and fragment: neither has a place in the name of a file. A drive such as `C:` is no scheme. */
const addressForm = /^(?:([a-z][a-z0-9+.-]+):)?(?:\/\/([^/?#\\]*))?(\/[^?#]*)$/i;

/** The path in a store whose root is the local folder `root`; undefined for what is elsewhere. Symbolic links are not looked at. Pure. */
export function fileAddressPath(
  root: string,
  address: string,
  platform: Pick<PlatformPath, "resolve" | "sep">,
): string | undefined {
  const isWindows = platform.sep === "\\";
  const written = isWindows && /^[a-z]:[\\/]/i.test(address) ? `/${address.replaceAll("\\", "/")}` : address;
  const parts = parseAddress(written, isWindows ? /[\\/]/ : "/");
  if (parts === undefined) return undefined;
  const { scheme, authority = "" } = parts;
  if (scheme === undefined ? authority !== "" : scheme !== "file" || !["", "localhost"].includes(authority))
    return undefined;
  const folder = platform
    .resolve(root)
    .split(platform.sep)
    .filter((segment) => segment !== "");
  const there = isWindows ? withDrive(parts.segments) : parts.segments;
  const below = there.slice(folder.length);
  const home = isWindows ? withDrive(folder) : folder;
  if (below.length < 2 || home.some((segment, index) => segment !== there[index])) return undefined;
  return isLocalName(below.join("/"), platform) ? below.join("/") : undefined;
}

/** Whether a path of a store stays what it is as one of the platform's: on Windows `\` parts folders, and `:` opens a stream. Pure. */
export function isLocalName(path: string, { sep }: Pick<PlatformPath, "sep">): boolean {
  return sep !== "\\" || !/[\\:]/.test(path);
}

/**
 * The path in the storage account of a Blob service; undefined for what is elsewhere. A path without scheme is one of the container, as
 * Hadoop has it. Pure.
 */
export function blobAddressPath(serviceUrl: string, address: string, container: string): string | undefined {
  const parts = parseAddress(address, "/");
  if (parts === undefined) return undefined;
  const service = new URL(serviceUrl);
  const { scheme, authority, segments } = parts;
  /** On emulators the account is the first folder. */
  const account = service.pathname.split("/").filter((segment) => segment !== "");
  const host = hostOf(service.host);
  switch (scheme) {
    case undefined:
      return authority === undefined ? named([container, ...segments]) : undefined;
    case "http":
    case "https": {
      const isHere = hostOf(authority ?? "") === host && account.every((name, index) => name === segments[index]);
      return isHere ? named(segments.slice(account.length)) : undefined;
    }
    case "abfs":
    case "abfss":
    case "wasb":
    case "wasbs": {
      const [there, at, ...more] = (authority ?? "").split("@");
      const isHere = account.length === 0 && more.length === 0 && at !== undefined && hostOf(at) === host;
      return isHere && there !== undefined && there !== "" ? named([there, ...segments]) : undefined;
    }
    default:
      return undefined;
  }
}

/** The path in a store in memory, whose addresses are `memory:///container/name`. Pure. */
export function memoryAddressPath(address: string): string | undefined {
  const parts = parseAddress(address, "/");
  return parts?.scheme === "memory" && (parts.authority ?? "") === "" ? named(parts.segments) : undefined;
}

function parseAddress(address: string, separator: string | RegExp): Address | undefined {
  const parts = addressForm.exec(address);
  const path = parts?.[3] === undefined ? undefined : decoded(parts[3]);
  if (path === undefined || path.includes("\0")) return undefined;
  const segments: string[] = [];
  for (const segment of path.split(separator)) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.pop() === undefined) return undefined;
  }
  return { scheme: parts?.[1]?.toLowerCase(), authority: parts?.[2]?.toLowerCase(), segments };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    // Not percent-encoded, so no URI: it names nothing here.
    return undefined;
  }
}

/** Both names of an account's endpoint are one; the port of HTTPS goes without saying. */
function hostOf(host: string): string {
  return host.replace(/:443$/, "").replace(".dfs.", ".blob.");
}

function named(segments: readonly string[]): string | undefined {
  return segments.length < 2 ? undefined : segments.join("/");
}

function withDrive([drive = "", ...folders]: readonly string[]): readonly string[] {
  return [drive.toUpperCase(), ...folders];
}
