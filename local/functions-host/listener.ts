import type { Clock, Logger, Random } from "../../shared/core/index.ts";
import type { HostJson } from "./host-json.ts";
import type { RpcMetadata, RpcTypedData } from "./rpc-data.ts";
import type { Settings } from "./settings.ts";

/** What a listener is given about its function and the host. */
export interface TriggerContext {
  readonly functionName: string;
  /** The trigger's binding as the app registered it, `%settings%` not yet replaced. */
  readonly binding: Readonly<Record<string, unknown>>;
  readonly hostJson: HostJson;
  readonly settings: Settings;
  /** True where something may have been missed while no host ran. */
  readonly pastDue?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Runs the function once. Rejects with the function's own error, which the host has logged. */
  readonly invoke: (data: RpcTypedData, metadata: RpcMetadata) => Promise<unknown>;
}

/** Watches for one function's trigger. */
export interface Listener {
  /** Begins to watch. Later failures of the service are logged and tried again, never thrown. */
  start(): Promise<void>;
  /** Takes nothing new, and resolves when the invocations already begun have ended. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Makes the listener of one function. It checks the binding and the settings it names and throws `INVALID_SETTING`
 * where they are wrong, before any function of the app has run.
 */
export type ListenerFactory = (context: TriggerContext) => Listener;
