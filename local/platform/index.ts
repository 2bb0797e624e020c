/** platform: Azure on this machine, all of it. */
export * from "./child-process.ts";
export * from "./data-folder.ts";
export { hubsOf } from "./declared-hubs.ts";
export { openLocalStorage, type LocalStorage } from "./local-storage.ts";
export * from "./platform.ts";
export type { Security, SecurityOptions } from "./security.ts";
