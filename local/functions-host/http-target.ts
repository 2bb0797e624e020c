/** What a request is for: the parts of its target that the host routes by. */
export interface HttpTarget {
  /** Absolute; the path as the client wrote it, but for `.` and `..`. */
  readonly url: string;
  /** For routing: decoded, except for `%2F`, which Kestrel keeps apart from the slash. */
  readonly path: string;
}

const loopbackHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Reads a request's target and `Host`. `malformed` is answered with 400. `elsewhere` is a name that is not this machine's:
 * Azure's front end answers for an app's own names only, and here that keeps a web page from reading the API by having its
 * own name resolve to loopback.
 */
export function parseTarget(
  target: string,
  host: string,
): { readonly kind: "target"; readonly target: HttpTarget } | { readonly kind: "malformed" | "elsewhere" } {
  const text = target.startsWith("/") ? `http://${host}${target}` : target;
  if (/[/?#\\@\s]/.test(host) || !/^http:\/\/[^/?#\\@\s]+\//i.test(text) || !URL.canParse(text))
    return { kind: "malformed" };
  const url = new URL(text);
  if (!loopbackHosts.has(url.hostname)) return { kind: "elsewhere" };
  const path = decodePath(url.pathname);
  return path.includes("\0") ? { kind: "malformed" } : { kind: "target", target: { url: url.href, path } };
}

/** Decodes what is UTF-8 and leaves the rest as it is. */
function decodePath(path: string): string {
  return path.replaceAll(/(?:%(?!2f)[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}
