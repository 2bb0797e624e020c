/** demo: the jobs of `npm start`. */
export * from "./demo.ts";
export * from "./options.ts";
export * from "./sample-run.ts";
export { sampleNames, type SampleName } from "./samples.ts";
export type { Check } from "./check-room.ts";
