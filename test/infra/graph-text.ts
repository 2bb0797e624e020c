/**
 * A deployment as text that people read and compare: every resource by its part, with all that it is told, and what it comes after. Ids of other
 * resources are their names in angle brackets; group, region and tags are told once, and of a resource only where it has others.
 *
 *     events
 *       eventhub:EventHub hub/flights (protected)
 *         after event-hubs, lake, lake/capture, role/capture/lake/capture/storage-blob-data-contributor
 *         before create: role-spread-is-awaited
 *         eventHubName: "flights"
 *         namespaceName: "dyne-dev-mi3amuab"
 *         retentionDescription.retentionTimeInHours: 168
 */
import type { Deployment, Made } from "./deployment.ts";

/** All resources of a deployment, and its outputs. Equal deployments give equal texts. */
export function graphText(deployment: Deployment): string {
  const { resources, outputs } = deployment;
  const named = nameIds(resources);
  const shared = sharedOf(resources);
  const parts = [...new Set(resources.map(({ part }) => part))].sort();
  const sections = parts.map((part) => {
    const own = resources.filter((made) => made.part === part).flatMap((made) => resourceLines(made, named, shared));
    return [part === "" ? "of no part" : part, ...indented(own)].join("\n");
  });
  const told = [...leaves(outputs, "")].map(([path, value]) => `${path}: ${named(value)}`);
  const everywhere = ["everywhere", ...indented([...shared].map(([path, value]) => `${path}: ${value}`))].join("\n");
  return `${[everywhere, ...sections, ["outputs", ...indented(told)].join("\n")].join("\n\n")}\n`;
}

/** What nearly every resource is told alike. */
function sharedOf(resources: readonly Made[]): ReadonlyMap<string, string> {
  const { resourceGroupName, location, tags } =
    resources.find(({ type }) => type === "storage:StorageAccount")?.inputs ?? {};
  return new Map(leaves({ resourceGroupName, location, tags }, ""));
}

function resourceLines(
  { type, name, protect, after, hooks, inputs }: Made,
  named: (text: string) => string,
  shared: ReadonlyMap<string, string>,
): string[] {
  const moments = {
    "before create": hooks.beforeCreate,
    "before update": hooks.beforeUpdate,
    "after create": hooks.afterCreate,
  };
  const told = [
    ...(after.length === 0 ? [] : [`after ${after.join(", ")}`]),
    ...Object.entries(moments).flatMap(([moment, names]) =>
      names.length === 0 ? [] : [`${moment}: ${names.join(", ")}`],
    ),
    ...[...leaves(inputs, "")].flatMap(([path, value]) =>
      shared.get(path) === value ? [] : [`${path}: ${named(value)}`],
    ),
  ];
  return [`${type} ${name}${protect ? " (protected)" : ""}`, ...indented(told)];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Every value with its path, in the order of keys; what is listed by name is shown by it. */
function* leaves(value: unknown, path: string): Generator<readonly [string, string]> {
  if (Array.isArray(value) && value.some((entry) => typeof entry === "object")) {
    for (const [index, entry] of value.entries()) {
      const pair = nameAndValue(entry);
      if (pair === undefined) yield* leaves(entry, `${path}[${index}]`);
      else yield [`${path}.${pair.name}`, JSON.stringify(pair.value)];
    }
  } else if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const entries = Object.entries(value as Readonly<Record<string, unknown>>).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, entry] of entries) yield* leaves(entry, path === "" ? key : `${path}.${key}`);
  } else {
    yield [path, typeof value === "string" && value.includes("\n") ? `\n${blockOf(value)}` : JSON.stringify(value)];
  }
}

function nameAndValue(entry: unknown): { readonly name: string; readonly value: unknown } | undefined {
  const { name, value, ...rest } = entry as { readonly name?: unknown; readonly value?: unknown };
  return typeof name === "string" && value !== undefined && Object.keys(rest).length === 0
    ? { name, value }
    : undefined;
}

function blockOf(text: string): string {
  return text
    .split("\n")
    .map((line) => `        ${line}`)
    .join("\n");
}

/** Names instead of ids, the longest first: an id begins with that of what it lies in. */
function nameIds(resources: readonly Made[]): (text: string) => string {
  const ids = resources.map(({ id, name }) => ({ id, name })).sort((a, b) => b.id.length - a.id.length);
  return (text) => ids.reduce((told, { id, name }) => (id === "" ? told : told.replaceAll(id, `<${name}>`)), text);
}
