/** core: what every room may use. It imports nothing. */
export * from "./clock.ts";
export * from "./column-mapping.ts";
export * from "./column-name.ts";
export * from "./errors.ts";
export * from "./ids.ts";
export * from "./instant.ts";
export * from "./limits.ts";
export * from "./lines.ts";
export * from "./logger.ts";
export * from "./loopback.ts";
export * from "./nearest-name.ts";
export * from "./random.ts";
export * from "./retry.ts";
export * from "./sentence.ts";
export * from "./shown.ts";
export * from "./statistic-bound.ts";
