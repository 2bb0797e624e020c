import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CsvRecords, type CsvRecord } from "../../../shared/compute/text/csv-records.ts";

/** Reads bytes in pieces of the given sizes, over and over. */
function read(content: string | Buffer, sizes: readonly number[] = [1_000], recordBytesMax?: number): CsvRecord[] {
  const bytes = Buffer.from(content as string);
  const records = new CsvRecords(recordBytesMax);
  const found: CsvRecord[] = [];
  for (let start = 0, piece = 0; start < bytes.length; piece++) {
    const size = sizes[piece % sizes.length] ?? 1;
    found.push(...records.push(bytes.subarray(start, start + size)));
    start += size;
  }
  return [...found, ...records.end()];
}
const fieldsOf = (content: string | Buffer) =>
  read(content).map((record) => (record.kind === "record" ? record.fields : `${record.reason}: ${record.text}`));

test.each<[string, string, unknown[]]>([
  [
    "plain fields",
    "a,b\n1,2\n",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    "a last line without an end",
    "a,b\n1,2",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  ["nothing", "", []],
  ["only ends of lines", "\n\r\n\r\n", []],
  ["blank lines between records", "a\n\n\nb\n", [["a"], ["b"]]],
  [
    "lines that end with CRLF, CR and LF in turn",
    "a,b\r\n1,2\r3,4\n5,6",
    [
      ["a", "b"],
      ["1", "2"],
      ["3", "4"],
      ["5", "6"],
    ],
  ],
  [
    "commas, quotes and ends of lines in quotes",
    '"a,b","say ""hi""","x\ny\r\nz"\n',
    [["a,b", 'say "hi"', "x\ny\r\nz"]],
  ],
  [
    "empty fields and quoted empty ones",
    'a,,""\n,\n',
    [
      ["a", null, ""],
      [null, null],
    ],
  ],
  ["a comma at the end", "a,b,\n", [["a", "b", null]]],
  ["a quoted field at the end of the file", '1,"x"', [["1", "x"]]],
  ["a quote within a field that does not begin with one", 'x"y,z"\n', [['x"y', 'z"']]],
  ["only quotes", '""""\n""""""\n', [['"'], ['""']]],
  ["spaces, which are kept", " a , b \n", [[" a ", " b "]]],
  ["other separators, which are none", "a;b|c\td\n", [["a;b|c\td"]]],
  ["a zero byte", "a\u0000b,c\n", [["a\u0000b", "c"]]],
])("%s", (_, content, expected) => {
  expect(fieldsOf(content)).toEqual(expected);
});

describe("bytes that break the form are one malformed record each", () => {
  test.each<[string, string | Buffer, unknown[]]>([
    ["after a closing quote", '1,"ab"c,d\n2,ok\n', ['characters after a closing quote: 1,"ab"c,d', ["2", "ok"]]],
    [
      "a quote that is never closed",
      '1,"abc\n2,def\n3,ghi',
      ['a quote is not closed: 1,"abc', ["2", "def"], ["3", "ghi"]],
    ],
    ["a quote that is never closed on the last line", '1,x\n2,"abc', [["1", "x"], 'a quote is not closed: 2,"abc']],
    [
      "bytes that are not UTF-8",
      Buffer.concat([Buffer.from("1,"), Buffer.from([0xff, 0xfe]), Buffer.from("\n2,ok\n")]),
      ["not valid UTF-8: 1,\ufffd\ufffd", ["2", "ok"]],
    ],
  ])("%s", (_, content, expected) => {
    expect(fieldsOf(content)).toEqual(expected);
  });

  test("a record beyond the limit is given up, and reading goes on at the next line", () => {
    const found = read(`1,${"x".repeat(500)}\n2,ok\n`, [50], 100);
    expect(found.map(({ kind }) => kind)).toEqual(["malformed", "record"]);
    expect(found[0]).toMatchObject({
      reason: "a record is longer than 100 bytes",
      text: expect.stringMatching(/^1,x+$/),
    });
    expect(found[1]).toEqual({ kind: "record", fields: ["2", "ok"] });
  });

  test("a quote that stays open beyond the limit costs its own line only", () => {
    const lines = Array.from({ length: 100 }, (_, n) => `${n},ok`);
    const found = read(`0,"open\n${lines.join("\n")}\n`, [64], 200);
    expect(found.map(({ kind }) => kind)).toEqual(["malformed", ...lines.map(() => "record")]);
  });
});

const field = fc.option(
  fc.string({ unit: fc.constantFrom("a", "é", "𝄞", ",", '"', "\n", "\r", " ", "\u0000", ";"), maxLength: 8 }),
  { nil: null },
);
/** Quoted wherever that is needed, and sometimes where it is not. */
const written = (value: string | null, quoted: boolean): string =>
  value === null ? "" : quoted || value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;

test("whatever is written as CSV is read back, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 6 }),
      fc.boolean(),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      (rows, quoted, lineEnd, sizes) => {
        const content = rows.map((row) => row.map((value) => written(value, quoted)).join(",") + lineEnd).join("");
        expect(read(content, sizes)).toEqual(rows.map((fields) => ({ kind: "record", fields })));
      },
    ),
  );
});

test("no bytes make it throw, and how they are cut changes nothing", () => {
  const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array));
  const likely = fc
    .string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r"), maxLength: 60 })
    .map((text) => Buffer.from(text));
  fc.assert(
    fc.property(
      fc.oneof(bytes, likely),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      (content, sizes) => {
        expect(read(content, sizes)).toEqual(read(content, [content.length || 1]));
      },
    ),
  );
});
