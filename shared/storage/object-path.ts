import { DyneError } from "../core/index.ts";

/** A path of the port, taken apart. */
export interface ObjectPath {
  readonly container: string;
  /** The object's name inside the container; with slashes, never leading or trailing. */
  readonly name: string;
}

/**
 * Takes `container/blob/name` apart. Throws INVALID_ARGUMENT for a path without container or name, and for empty, `.` and `..`
 * segments, which a service or a file system would resolve to another place.
 */
export function parseObjectPath(path: string): ObjectPath {
  const slash = path.indexOf("/");
  const segments = path.split("/");
  if (slash < 1 || segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `"${path}" is not the path of an object. Use container/name, without empty or relative segments.`,
    );
  }
  return { container: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** Takes a listing's prefix apart: the container is whole, the rest of the name may be empty or cut anywhere. */
export function parseListPrefix(prefix: string): ObjectPath {
  const slash = prefix.indexOf("/");
  if (slash < 1 || prefix.split("/").some((segment) => segment === "." || segment === "..")) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `"${prefix}" is not a prefix. Use container/ followed by the start of names.`,
    );
  }
  return { container: prefix.slice(0, slash), name: prefix.slice(slash + 1) };
}
