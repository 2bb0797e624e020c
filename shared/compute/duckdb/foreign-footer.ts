/** What is to be known of a file that somebody else wrote, before DuckDB reads it. */
import { open } from "node:fs/promises";
import { hybridCalendar, type HybridCalendar } from "./hybrid-calendar.ts";
import { unknownNumber, variantMarks } from "./variant-marks.ts";

/** The magic word at the end of a file, and before it the length of the footer. */
const magic = "PAR1";
const trailerBytes = 8;
const footerBytesMax = 256 * 1024 * 1024;

/**
 * Takes the marks of variants out of a local copy (see `variantMarks`), in place, and tells the calendar of its dates; undefined for the
 * one that all use now. Throws DATA_ERROR for a footer that cannot be read.
 */
export async function readForeignFooter(localFile: string): Promise<HybridCalendar | undefined> {
  const file = await open(localFile, "r+");
  try {
    const { size } = await file.stat();
    const trailer = Buffer.alloc(trailerBytes);
    await file.read(trailer, 0, trailerBytes, Math.max(0, size - trailerBytes));
    const length = trailer.readUInt32LE(0);
    // Whatever else it is, whoever reads the rows refuses it.
    if (trailer.toString("latin1", 4) !== magic || length > size - trailerBytes || length > footerBytesMax)
      return undefined;
    const footer = Buffer.alloc(length);
    const start = size - trailerBytes - length;
    await file.read(footer, 0, length, start);
    for (const at of variantMarks(footer)) await file.write(Uint8Array.of(unknownNumber), 0, 1, start + at);
    return hybridCalendar(footer);
  } finally {
    await file.close();
  }
}
