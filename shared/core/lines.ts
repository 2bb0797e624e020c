/**
 * Lines of bytes: they end with "\n" and nothing else, where `node:readline` ends them at "\r", U+2028 and U+2029 too, which JSON has inside
 * of its texts. A "\r" right before the "\n" belongs to the end.
 */
import type { Readable } from "node:stream";
import { DyneError } from "./errors.ts";

/** A line without its end, or where one is that has more bytes than it may; nothing of that one is kept, and the next follows it. */
export type SplitLine =
  | { readonly kind: "line"; readonly bytes: Buffer }
  | { readonly kind: "tooLong"; readonly lineNumber: number };

/** Splits chunks of bytes into lines; holds no more than one line of `lineBytesMax`, and the chunk. */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #lineNumber = 1;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isSkipping = false;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The lines that end in this chunk, and the one that becomes too long in it. */
  push(chunk: Uint8Array): readonly SplitLine[] {
    const lines: SplitLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      this.#add(chunk.subarray(from, at), lines);
      this.#finish(lines);
      from = at + 1;
    }
    if (from < chunk.length) this.#add(chunk.subarray(from), lines);
    return lines;
  }

  /** The last line, if it has no end. */
  end(): readonly SplitLine[] {
    const lines: SplitLine[] = [];
    if (this.#parts.length > 0) this.#finish(lines);
    return lines;
  }

  #add(part: Uint8Array, lines: SplitLine[]): void {
    if (this.#isSkipping) return;
    this.#bytes += part.length;
    if (this.#bytes > this.#lineBytesMax) {
      lines.push({ kind: "tooLong", lineNumber: this.#lineNumber });
      this.#isSkipping = true;
      this.#parts = [];
    } else {
      this.#parts.push(part);
    }
  }

  #finish(lines: SplitLine[]): void {
    const bytes = Buffer.concat(this.#parts);
    const end = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
    if (!this.#isSkipping) lines.push({ kind: "line", bytes: bytes.subarray(0, end) });
    this.#lineNumber++;
    this.#parts = [];
    this.#bytes = 0;
    this.#isSkipping = false;
  }
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** The lines of a stream, one after the other. Throws LIMIT_EXCEEDED at one of more than `lineBytesMax` bytes; those of the stream. */
export async function* byteLines(source: AsyncIterable<Uint8Array>, lineBytesMax: number): AsyncGenerator<Buffer> {
  const splitter = new LineSplitter(lineBytesMax);
  for await (const chunk of source) yield* allWhole(splitter.push(chunk), lineBytesMax);
  yield* allWhole(splitter.end(), lineBytesMax);
}

function* allWhole(lines: readonly SplitLine[], lineBytesMax: number): Generator<Buffer> {
  for (const line of lines) {
    if (line.kind === "tooLong") throw tooLong(line.lineNumber, lineBytesMax);
    yield line.bytes;
  }
}

/**
 * Calls `onLine` with each line of UTF-8 that a process prints, before the events of its end, and `onTooLong` with a LIMIT_EXCEEDED in the
 * place of one that has more than `lineBytesMax` bytes.
 */
export function followLines(
  stream: Readable,
  lineBytesMax: number,
  onLine: (line: string) => void,
  onTooLong: (error: DyneError) => void,
): void {
  const splitter = new LineSplitter(lineBytesMax);
  const tell = (lines: readonly SplitLine[]) => {
    for (const line of lines) {
      if (line.kind === "tooLong") onTooLong(tooLong(line.lineNumber, lineBytesMax));
      else onLine(line.bytes.toString());
    }
  };
  stream.on("data", (chunk: Buffer) => tell(splitter.push(chunk)));
  stream.on("end", () => tell(splitter.end()));
}

function tooLong(lineNumber: number, lineBytesMax: number): DyneError {
  return new DyneError(
    "LIMIT_EXCEEDED",
    `Line ${lineNumber} has more than ${lineBytesMax} bytes, which is more than a line may have. Split it; lines end with "\\n".`,
    { details: { lineNumber, lineBytesMax } },
  );
}
