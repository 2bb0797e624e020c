/** functions-host: runs an app of `@azure/functions` in this process, with the payloads and habits of the real host. */
export { startFunctionsHost, type FunctionsHost, type FunctionsHostOptions } from "./functions-host.ts";
export type { HttpOptions } from "./http-front.ts";
export { parseHostJson, type HostJson } from "./host-json.ts";
export type { Listener, ListenerFactory, TriggerContext } from "./listener.ts";
export { jsonData, type RpcLong, type RpcMetadata, type RpcTypedData } from "./rpc-data.ts";
export type { Settings } from "./settings.ts";
