import { DyneError } from "../core/index.ts";

/** Throws LIMIT_EXCEEDED for an object that is larger than its reader takes (`ReadOptions.bytesMax`). */
export function assertSize(path: string, sizeBytes: number, bytesMax: number | undefined): void {
  if (bytesMax === undefined || sizeBytes <= bytesMax) return;
  throw new DyneError(
    "LIMIT_EXCEEDED",
    `${path} has ${sizeBytes} bytes, more than the limit of ${bytesMax}, and is not read. Make it smaller with whatever wrote it.`,
    { details: { path, sizeBytes, bytesMax } },
  );
}
