/** demo: the main job of `npm start`. */
export * from "./demo.ts";
export * from "./options.ts";
export type { Check } from "./checks.ts";
