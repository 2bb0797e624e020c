/** platform: Azure on this machine, all of it. */
export * from "./child-process.ts";
export * from "./data-folder.ts";
export { openLocalStorage, type LocalStorage } from "./local-storage.ts";
export * from "./platform.ts";
export type { Security, SecurityOptions } from "./security.ts";
