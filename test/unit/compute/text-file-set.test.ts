import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textFileColumns, type Row, type TextFileSet } from "../../../shared/compute/index.ts";
import type { DataType, LogicalPlan, Schema } from "../../../shared/plan/index.ts";
import { openCompute, rowsOf, scan, schemaOf, type ComputeUnderTest } from "../../support/compute-under-test.ts";

const string: DataType = { kind: "string" };
const long: DataType = { kind: "long" };
const types: Record<string, DataType> = { code: string, runs: { kind: "integer" }, share: { kind: "double" } };

let under: ComputeUnderTest;
let folder: string;
let files = 0;
beforeAll(async () => {
  under = await openCompute();
  folder = await mkdtemp(join(tmpdir(), "dyne-text-"));
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Files with these contents. */
async function setOf(
  format: TextFileSet["format"],
  contents: readonly (string | Buffer)[],
  columns: Readonly<Record<string, DataType>>,
): Promise<TextFileSet> {
  return {
    kind: "text",
    format,
    schema: schemaOf(columns),
    files: await Promise.all(
      contents.map(async (content, index) => {
        const localPath = join(folder, String(++files));
        await writeFile(localPath, content);
        return { localPath, path: `landing/f${index}`, etag: `"${index}"`, modifiedTimeUs: BigInt(index) };
      }),
    ),
  };
}

async function rows(
  format: TextFileSet["format"],
  contents: readonly (string | Buffer)[],
  columns: Readonly<Record<string, DataType>> = types,
): Promise<readonly Row[]> {
  const set = await setOf(format, contents, columns);
  const schema: Schema = schemaOf({
    ...columns,
    [textFileColumns.path]: string,
    [textFileColumns.etag]: string,
    [textFileColumns.modified]: { kind: "timestamp" },
    [textFileColumns.row]: long,
    [textFileColumns.rescued]: string,
    [textFileColumns.error]: string,
    [textFileColumns.text]: string,
  });
  return rowsOf(under.compute, { text: set }, scan("text", schema));
}

/** The data's columns, what was rescued, and the error with its line: what is not there is left out. */
const told = (found: readonly Row[]) =>
  found.map((row) => {
    const rescued = row[textFileColumns.rescued];
    const error = row[textFileColumns.error];
    return {
      values: Object.entries(row)
        .filter(([name]) => !name.startsWith("_file_"))
        .map(([, value]) => value),
      ...(rescued === null ? {} : { rescued: JSON.parse(String(rescued)) as unknown }),
      ...(error === null ? {} : { error, text: row[textFileColumns.text] }),
    };
  });
const csv = async (content: string | Buffer, columns?: Readonly<Record<string, DataType>>) =>
  told(await rows("csv", [content], columns));
const jsonl = async (content: string | Buffer, columns?: Readonly<Record<string, DataType>>) =>
  told(await rows("jsonl", [content], columns));
const json = async (content: string | Buffer, columns?: Readonly<Record<string, DataType>>) =>
  told(await rows("json", [content], columns));

test("rows say which file they are of, and which row of it", async () => {
  const found = await rows("csv", ["code,runs\nA,1\nB,2\n", "code,runs\nC,3\n"]);
  expect(found).toEqual([
    {
      code: "A",
      runs: 1,
      share: null,
      _file_path: "landing/f0",
      _file_etag: '"0"',
      _file_modified: 0n,
      _file_row: 1n,
      _file_rescued: null,
      _file_error: null,
      _file_text: null,
    },
    {
      code: "B",
      runs: 2,
      share: null,
      _file_path: "landing/f0",
      _file_etag: '"0"',
      _file_modified: 0n,
      _file_row: 2n,
      _file_rescued: null,
      _file_error: null,
      _file_text: null,
    },
    {
      code: "C",
      runs: 3,
      share: null,
      _file_path: "landing/f1",
      _file_etag: '"1"',
      _file_modified: 1n,
      _file_row: 1n,
      _file_rescued: null,
      _file_error: null,
      _file_text: null,
    },
  ]);
});

test("no files are no rows", async () => {
  expect(await rows("csv", [])).toEqual([]);
});

describe("CSV", () => {
  test.each<[string, string, readonly unknown[]]>([
    ["columns go by their names, not by their place", "share,code,runs\n0.5,A,1\n", [{ values: ["A", 1, 0.5] }]],
    [
      "quotes, commas and ends of lines in quotes",
      'code,runs\n"a ""b"",\nc",1\n',
      [{ values: ['a "b",\nc', 1, null] }],
    ],
    ["a column that is missing is NULL", "code\nA\n", [{ values: ["A", null, null] }]],
    [
      "a field that is missing is NULL",
      "code,runs,share\nA,1\nB\n",
      [{ values: ["A", 1, null] }, { values: ["B", null, null] }],
    ],
    [
      "a column that is not declared is rescued",
      "code,gate,seat\nA,12,\n",
      [{ values: ["A", null, null], rescued: { gate: "12" } }],
    ],
    [
      "fields beyond the header are rescued by their place",
      "code,runs\nA,1,x,y\n",
      [{ values: ["A", 1, null], rescued: { _c2: "x", _c3: "y" } }],
    ],
    [
      "a column whose name comes twice is rescued the second time",
      "code,code\nA,B\n",
      [{ values: ["A", null, null], rescued: { code_c1: "B" } }],
    ],
    [
      "a column without a name is rescued by its place",
      "code,,runs\nA,x,1\n",
      [{ values: ["A", 1, null], rescued: { _c1: "x" } }],
    ],
    [
      "a value of another type is rescued as it came, never rounded",
      "code,runs,share\nA,1.7,half\nB, 2 ,1e3\n",
      [{ values: ["A", null, null], rescued: { runs: "1.7", share: "half" } }, { values: ["B", 2, 1000] }],
    ],
    [
      "a number out of range is rescued",
      "runs\n3000000000\n",
      [{ values: [null, null, null], rescued: { runs: "3000000000" } }],
    ],
    [
      "an empty field is NULL, a quoted one the empty text",
      'code,runs\n,1\n"",2\n',
      [{ values: [null, 1, null] }, { values: ["", 2, null] }],
    ],
    ["an empty file has no rows", "", []],
    ["a header alone has no rows", "code,runs\n", []],
    ["a header without an end of line has no rows", "code,runs", []],
    ["a byte order mark is no part of the first name", "\ufeffcode\nA\n", [{ values: ["A", null, null] }]],
    ["semicolons separate nothing", "code\nA;B;C\n", [{ values: ["A;B;C", null, null] }]],
  ])("%s", async (_, content, expected) => {
    expect(await csv(content)).toEqual(expected);
  });

  test("a line that breaks the form is an error with its text, and the others are read", async () => {
    expect(await csv('code,runs\nA,1\nB,"x"y\nC,3\n')).toEqual([
      { values: ["A", 1, null] },
      { values: [null, null, null], error: "characters after a closing quote", text: 'B,"x"y' },
      { values: ["C", 3, null] },
    ]);
  });

  test("a header that breaks the form makes the whole file an error", async () => {
    const [row, ...others] = await rows("csv", ['"code"x,runs\nA,1\n', "code\nB\n"]);
    expect(row).toMatchObject({
      _file_path: "landing/f0",
      _file_row: 0n,
      _file_error: expect.stringContaining("the header is not readable as CSV"),
    });
    expect(others.map((other) => other["code"])).toEqual(["B"]);
  });

  test("names that SQL would take for something else are names", async () => {
    const odd = { "we\"ird' name": string, _row: long, _raw_0: string, error: string, "a.b": long };
    const header = '"we""ird\' name",_row,_raw_0,error,a.b';
    expect(await csv(`${header}\nx,1,y,z,oops\n`, odd)).toEqual([
      { values: ["x", 1n, "y", "z", null], rescued: { "a.b": "oops" } },
    ]);
  });

  test("every type is read from its text, and what does not fit is rescued", async () => {
    const all: Record<string, DataType> = {
      flag: { kind: "boolean" },
      tiny: { kind: "byte" },
      big: long,
      price: { kind: "decimal", precision: 10, scale: 2 },
      day: { kind: "date" },
      at: { kind: "timestamp" },
    };
    const header = Object.keys(all).join(",");
    expect(
      await csv(
        `${header}\ntrue,-128,9007199254740993,12.30,2026-01-02,2026-01-02T03:04:05.678901Z\nmaybe,300,1.0,x,02.01.2026,yesterday\n`,
        all,
      ),
    ).toEqual([
      { values: [true, -128, 9007199254740993n, "12.30", 20_455, 1_767_323_045_678_901n] },
      {
        values: Array(6).fill(null),
        rescued: { flag: "maybe", tiny: "300", big: "1.0", price: "x", day: "02.01.2026", at: "yesterday" },
      },
    ]);
  });
});

describe("JSON lines", () => {
  test.each<[string, string, readonly unknown[]]>([
    [
      "fields go by their names",
      '{"share":0.5,"code":"A"}\n{"runs":2}\n',
      [{ values: ["A", null, 0.5] }, { values: [null, 2, null] }],
    ],
    [
      "blank lines are none, and the last needs no end",
      '\n{"code":"A"}\n\r\n  \n{"code":"B"}',
      [{ values: ["A", null, null] }, { values: ["B", null, null] }],
    ],
    ["null is NULL", '{"code":null,"runs":null}', [{ values: [null, null, null] }]],
    ["the text null is a text", '{"code":"null"}', [{ values: ["null", null, null] }]],
    [
      "a field that is not declared is rescued as text",
      '{"code":"A","gate":{"n":[1,2.50]},"x":null}',
      [{ values: ["A", null, null], rescued: { gate: '{"n":[1,2.5]}', x: null } }],
    ],
    [
      "a value of another type is rescued as it came",
      '{"runs":1.7,"share":"half","code":12}',
      [{ values: ["12", null, null], rescued: { runs: "1.7", share: "half" } }],
    ],
    ["a number in text is a number", '{"runs":"12"}', [{ values: [null, 12, null] }]],
    ["a repeated key counts as it comes last", '{"code":"A","code":"B"}', [{ values: ["B", null, null] }]],
    [
      "a line that is not JSON is an error with its text",
      '{"code":"A"\n{"code":"B"}',
      [{ values: [null, null, null], error: "not valid JSON", text: '{"code":"A"' }, { values: ["B", null, null] }],
    ],
    [
      "what only some readers take for JSON is none",
      '{"runs":NaN}\n{"runs":1,}',
      [
        { values: [null, null, null], error: "not valid JSON", text: '{"runs":NaN}' },
        { values: [null, null, null], error: "not valid JSON", text: '{"runs":1,}' },
      ],
    ],
    [
      "JSON that is no object is an error with its text",
      '[1]\n"x"\n7\nnull',
      ["[1]", '"x"', "7", "null"].map((text) => ({ values: [null, null, null], error: "not a JSON object", text })),
    ],
    ["an empty file has no rows", "", []],
  ])("%s", async (_, content, expected) => {
    expect(await jsonl(content)).toEqual(expected);
  });

  test("odd keys are rescued under their own names", async () => {
    const odd = { "": 1, "a/b": 2, "~": 3, 'say "hi"': 4, $: 5, __proto__x: 6, é: 7 };
    const [row] = await jsonl(JSON.stringify({ code: "A", ...odd }));
    expect(row).toEqual({
      values: ["A", null, null],
      rescued: Object.fromEntries(Object.entries(odd).map(([key, value]) => [key, String(value)])),
    });
  });

  test("numbers keep the digits that a double would lose", async () => {
    const columns = { n: long, price: { kind: "decimal", precision: 38, scale: 10 }, text: string } satisfies Record<
      string,
      DataType
    >;
    const digits = "1234567890123456789012345678.0123456789";
    expect(
      await jsonl(`{"n":9007199254740993,"price":${digits},"text":${digits},"x":{"y":9007199254740993}}`, columns),
    ).toEqual([{ values: [9007199254740993n, digits, digits], rescued: { x: '{"y":9007199254740993}' } }]);
  });

  test("nested columns are read from nested values, and rescued where they are none", async () => {
    const columns: Record<string, DataType> = { tags: { kind: "array", element: string, containsNull: true } };
    const asText: LogicalPlan = {
      kind: "project",
      input: scan("text", schemaOf({ ...columns, [textFileColumns.rescued]: string })),
      columns: [
        { name: "tags", expression: { kind: "call", name: "to_json", args: [{ kind: "column", name: "tags" }] } },
        { name: "rescued", expression: { kind: "column", name: textFileColumns.rescued } },
      ],
    };
    const set = await setOf("jsonl", ['{"tags":["a","b"]}\n{"tags":7}\n{"tags":"["}'], columns);
    expect(await rowsOf(under.compute, { text: set }, asText)).toEqual([
      { tags: '["a","b"]', rescued: null },
      { tags: null, rescued: '{"tags":"7"}' },
      { tags: null, rescued: '{"tags":"["}' },
    ]);
  });

  test("bytes that are not UTF-8 are an error of their line", async () => {
    const bytes = Buffer.concat([Buffer.from('{"code":"'), Buffer.from([0xff]), Buffer.from('"}\n{"code":"B"}\n')]);
    expect(await jsonl(bytes)).toEqual([
      { values: [null, null, null], error: "not valid UTF-8", text: '{"code":"\ufffd"}' },
      { values: ["B", null, null] },
    ]);
  });

  test("nesting without end is an error of its line", async () => {
    const deep = `{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    const found = await jsonl(`${deep}\n{"code":"B"}`);
    expect(found.map(({ error }) => error)).toEqual([
      expect.stringMatching(/nested too deeply|not valid JSON/),
      undefined,
    ]);
  });

  test("half of a character pair and a zero character do no harm", async () => {
    expect(await jsonl('{"code":"\\ud800"}\n{"code":"a\\u0000b"}')).toEqual([
      { values: ["\ufffd", null, null] },
      { values: ["a\u0000b", null, null] },
    ]);
  });
});

describe("JSON documents", () => {
  test.each<[string, string, readonly unknown[]]>([
    ["an object is one row", ' {"code":"A",\n "runs":1} ', [{ values: ["A", 1, null] }]],
    [
      "an array has a row for each element",
      '[{"code":"A"},{"code":"B"}]',
      [{ values: ["A", null, null] }, { values: ["B", null, null] }],
    ],
    ["an empty array has no rows", "[]", []],
    [
      "an element that is no object is an error with its text",
      '[{"code":"A"},[1,2],null]',
      [
        { values: ["A", null, null] },
        { values: [null, null, null], error: "not a JSON object", text: "[1,2]" },
        { values: [null, null, null], error: "not a JSON object", text: "null" },
      ],
    ],
    [
      "what is not JSON is an error with its text",
      '{"code":',
      [{ values: [null, null, null], error: "not valid JSON", text: '{"code":' }],
    ],
    ["a byte order mark does no harm", '\ufeff{"code":"A"}', [{ values: ["A", null, null] }]],
  ])("%s", async (_, content, expected) => {
    expect(await json(content)).toEqual(expected);
  });

  test("rows of an array are counted", async () => {
    const found = await rows("json", ['[{"code":"A"},{"code":"B"}]']);
    expect(found.map((row) => row[textFileColumns.row])).toEqual([1n, 2n]);
  });
});

describe("gzipped files", () => {
  test.each([
    ["csv", "code,runs\nA,1\n"],
    ["json", '[{"code":"A","runs":1}]'],
    ["jsonl", '{"code":"A","runs":1}\n'],
  ] as const)("are read as %s whatever their local name is", async (format, content) => {
    expect(told(await rows(format, [gzipSync(content)]))).toEqual([{ values: ["A", 1, null] }]);
  });

  const packed = gzipSync(`code,runs\n${Array.from({ length: 20_000 }, (_, n) => `A${n * 7919},${n}`).join("\n")}\n`);
  test.each([
    ["ends too early", packed.subarray(0, -100)],
    ["is damaged", Buffer.concat([packed.subarray(0, 2_000), Buffer.alloc(50, 7), packed.subarray(2_050)])],
    ["only begins like one", Buffer.from([0x1f, 0x8b, 1, 2])],
  ])("one that %s is one error, and none of its rows are taken", async (_, content) => {
    const found = await rows("csv", [content, "code\nB\n"]);
    expect(found).toHaveLength(2);
    expect(found.find((row) => row[textFileColumns.error] !== null)).toMatchObject({
      _file_path: "landing/f0",
      _file_row: 0n,
      _file_error: "the gzipped file is damaged or ends too early",
    });
  });
});

test("no bytes in a landed file make the batch fail, and every line is a row or an error", async () => {
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const likely = fc
    .array(
      fc.constantFrom(
        "code",
        "A",
        ",",
        '"',
        "\n",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        ":",
        '{"code":"A"}',
        "1e999",
        "\\",
        "\u0000",
      ),
      { maxLength: 30 },
    )
    .map((parts) => Buffer.from(parts.join("")));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("csv" as const, "json" as const, "jsonl" as const),
      fc.array(fc.oneof(noise, likely), { maxLength: 4 }),
      async (format, contents) => {
        for (const row of await rows(format, contents)) {
          expect(row[textFileColumns.path]).toMatch(/^landing\/f/);
          if (row[textFileColumns.rescued] !== null) JSON.parse(String(row[textFileColumns.rescued]));
        }
      },
    ),
    { numRuns: 60 },
  );
});
