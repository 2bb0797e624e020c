import { Readable } from "node:stream";
import { assert, asyncProperty, array, constantFrom, nat, string, uint8Array, oneof } from "fast-check";
import { describe, expect, it } from "vitest";
import { byteLines, followLines, type DyneError } from "../../../shared/core/index.ts";

const linesOf = async (chunks: readonly Uint8Array[], lineBytesMax = 100): Promise<string[]> =>
  (await Array.fromAsync(byteLines(Readable.from(chunks), lineBytesMax))).map(String);

describe("lines of bytes", () => {
  it.for<[string, string, string[]]>([
    ["nothing", "", []],
    ["an end alone", "\n", [""]],
    ["ends of both kinds", "a\nb\r\n\nc\r\n", ["a", "b", "", "c"]],
    ["a last line without an end", "a\nb", ["a", "b"]],
    ["a last line with half of an end", "a\nb\r", ["a", "b"]],
    [
      "separators of Unicode",
      '{"a":"x\u2028y\u2029z"}\n{"a":"\u0085\f\v"}\n',
      ['{"a":"x\u2028y\u2029z"}', '{"a":"\u0085\f\v"}'],
    ],
    ["a return inside of a line", "a\rb\r\r\nc", ["a\rb\r", "c"]],
  ])("are told apart by line feeds alone: %s", async ([, text, lines]) => {
    expect(await linesOf([Buffer.from(text)])).toEqual(lines);
    expect(await linesOf(Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte)))).toEqual(lines);
  });

  it("are the same bytes, however these come in chunks", () =>
    assert(
      asyncProperty(
        array(oneof(string({ unit: constantFrom("a", "\u2028", "\r", "é", "😀") }), uint8Array({ max: 255 })), {
          maxLength: 8,
        }),
        array(nat({ max: 9 }), { maxLength: 20 }),
        async (texts, sizes) => {
          const lines = texts
            .map((text) => Buffer.from(text as string))
            .filter((line) => !line.includes(0x0a) && line.at(-1) !== 0x0d);
          const all = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
          const chunks: Buffer[] = [];
          let from = 0;
          for (const size of sizes) chunks.push(all.subarray(from, (from += size)));
          chunks.push(all.subarray(from));
          expect(await Array.fromAsync(byteLines(Readable.from(chunks), 1_000))).toEqual(lines);
        },
      ),
    ));

  it("may have as many bytes as they may, and one more is refused with its number before its end is there", async () => {
    expect(await linesOf([Buffer.from("1234\n12"), Buffer.from("34\r\n")], 5)).toEqual(["1234", "1234"]);
    let chunks = 0;
    const endless = Readable.from(
      (function* () {
        yield Buffer.from("a\nb\n");
        for (;;) {
          chunks++;
          yield Buffer.from("12");
        }
      })(),
    );
    await expect(Array.fromAsync(byteLines(endless, 5))).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      message: expect.stringMatching(/^Line 3 has more than 5 bytes.* Split it/),
    });
    expect(chunks).toBeLessThan(100);
  });

  it("that are too long are told of once, and those behind them are heard", async () => {
    const stream = Readable.from(["one\n123", "456", "789\ntwo\nthree"].map((text) => Buffer.from(text)));
    const heard: string[] = [];
    const tooLong: DyneError[] = [];
    const ended = new Promise<void>((resolve) => void stream.once("close", resolve));
    followLines(
      stream,
      5,
      (line) => heard.push(line),
      (error) => tooLong.push(error),
    );
    await ended;
    expect(heard).toEqual(["one", "two", "three"]);
    expect(tooLong.map(({ details }) => details["lineNumber"])).toEqual([2]);
  });
});
