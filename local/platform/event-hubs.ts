import { extname, join, resolve } from "node:path";
import { startChild, type Child } from "./child-process.ts";
import { processLocks } from "./data-folder.ts";
import { rememberPort, rememberedPort } from "./remembered-port.ts";
import type { Security } from "./security.ts";

export interface HubsOptions {
  /** The data folder, which the caller owns. */
  readonly directory: string;
  readonly hubs: Readonly<Record<string, { readonly partitions: number; readonly consumerGroups: readonly string[] }>>;
}

/** Starts the loopback Event Hubs of a data folder, at the port that they had before where it is free. */
export async function startHubs(
  { directory, hubs }: HubsOptions,
  security: Pick<Security, "hubs" | "trust"> | undefined,
  onLog: (line: string) => void,
): Promise<Child> {
  const portFile = join(directory, "hubs.port");
  const child = await startChild({
    name: "The loopback Event Hubs",
    entry: resolve(import.meta.dirname, `../event-hubs/main${extname(import.meta.filename)}`),
    config: {
      directory: join(directory, "hubs"),
      port: await rememberedPort(portFile),
      hubs,
      lock: processLocks(directory).eventHubs,
      ...(security !== undefined && { secured: security.hubs }),
    },
    heapMb: 1_024,
    environment: security?.trust,
    onLog,
  });
  await rememberPort(portFile, Number(child.ready["port"]));
  return child;
}
