/** Inputs by type: what is at the edges of each, and random ones by seed. In the form of rows as text. */
import fc from "fast-check";
import type { DataType, StructField } from "../../../shared/plan/index.ts";

const bounds = { byte: 8n, short: 16n, integer: 32n, long: 64n } as const;
const randomCount = 6;

/** Edges first; NULL is among them. */
export function poolOf(type: DataType, seed: number): readonly unknown[] {
  return [null, ...edgesOf(type), ...fc.sample(randomOf(type), { seed, numRuns: randomCount })];
}

function edgesOf(type: DataType): readonly unknown[] {
  switch (type.kind) {
    case "boolean":
      return [true, false];
    case "byte":
    case "short":
    case "integer":
    case "long": {
      const end = 2n ** (bounds[type.kind] - 1n);
      const all = [0n, 1n, -1n, 2n, 3n, -7n, 10n, 31n, 64n, end - 1n, -end, -end + 1n];
      return all.map((value) => (type.kind === "long" ? value : Number(value))).map(plainNumber);
    }
    case "float":
      return [0, "-0", 1, -1.5, 0.1, 3.4e38, 1e-45, "NaN", "Infinity", "-Infinity"].map((value) =>
        typeof value === "number" ? Math.fround(value) : value,
      );
    case "double":
      return [
        ...[0, "-0", 1, -1, 0.5, -2.5, 3.5, 0.1, -1e-7, 1e15, 9007199254740992, 9.3e18, -9.3e18],
        ...[1.7976931348623157e308, 5e-324, "NaN", "Infinity", "-Infinity"],
      ];
    case "decimal":
      return decimalEdges(type.precision, type.scale);
    case "string":
      return [
        ...["", "a", "abc", " ab c ", "ABC abc", "a,b,,c", "aaa", "Straße", "ÀÉ é", "e\u0301", "日本語", "🤦🏼‍♂️ x", "𝔘n"],
        ...["12", "-7.5", "a\tb\n", 'o\'neil \\ "q"', "x".repeat(70)],
      ];
    case "binary":
      return ["", "AA==", "YWJj", "/w==", "w6k=", "8J+Mjw=="];
    case "date":
      return [
        ...["1970-01-01", "1969-12-31", "2000-02-29", "1900-02-28", "2024-02-29", "2023-12-31", "2024-12-30"],
        ...["2021-01-03", "1582-10-04", "1582-10-15", "0001-01-01", "9999-12-31", "2024-01-31", "2026-03-29"],
      ];
    case "timestamp":
    case "timestamp_ntz": {
      const zone = type.kind === "timestamp" ? "Z" : "";
      return [
        ...["1970-01-01T00:00:00.000000", "1969-12-31T23:59:59.999999", "2000-02-29T12:34:56.789012"],
        ...["1582-10-04T10:00:00.000001", "1582-10-15T00:00:00.000000", "0001-01-01T00:00:00.000000"],
        ...["9999-12-31T23:59:59.999999", "2024-03-31T01:30:00.500000", "2024-12-29T00:00:00.000000"],
        ...["2024-11-03T06:30:00.000000", "1883-11-18T12:00:00.000000", "2021-01-03T23:59:59.000000"],
      ].map((text) => text + zone);
    }
    case "array": {
      const pool = [null, ...edgesOf(type.element)].slice(0, 8);
      const [, a, b, c] = pool;
      return [[], [null], [a], [a, b, a], [c, null, a, null, b], pool, [...pool].reverse()];
    }
    case "map": {
      const [a, b, c] = edgesOf(type.key);
      const [x, y] = edgesOf(type.value);
      return [
        [],
        [{ key: a, value: x }],
        [
          { key: b, value: null },
          { key: a, value: y },
        ],
        [
          { key: c ?? a, value: y },
          { key: b, value: x },
        ],
      ];
    }
    case "struct": {
      const fields = Object.entries<StructField>(type.fields);
      const row = (index: number): unknown =>
        Object.fromEntries(
          fields.map(([name, field]) => {
            const pool = [null, ...edgesOf(field.type)];
            return [name, pool[index % pool.length]];
          }),
        );
      return [0, 1, 2, 3, 5].map(row);
    }
    default:
      throw new Error(`no inputs of ${type.kind}`);
  }
}

const plainNumber = (value: number | bigint): number | bigint =>
  typeof value === "bigint" && value <= 2n ** 53n && value >= -(2n ** 53n) ? Number(value) : value;

function decimalEdges(precision: number, scale: number): readonly string[] {
  const digits = (whole: string, fraction: string): string =>
    scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, "0").slice(0, scale)}`;
  const most = digits("9".repeat(precision - scale) || "0", "9".repeat(scale));
  const some = precision > scale ? [digits("1", ""), `-${digits("1", "5")}`, digits("2", "5")] : [];
  return [digits("0", ""), ...some, digits("0", "49"), digits("0", "05"), most, `-${most}`];
}

function randomOf(type: DataType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "boolean":
      return fc.boolean();
    case "byte":
    case "short":
    case "integer":
    case "long": {
      const end = 2n ** (bounds[type.kind] - 1n);
      return fc
        .bigInt({ min: -end, max: end - 1n })
        .map((value) => (type.kind === "long" ? plainNumber(value) : Number(value)));
    }
    case "float":
      return fc.float({ noNaN: true, noDefaultInfinity: true }).map(signedZero);
    case "double":
      return fc
        .oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true, min: -1000, max: 1000 }))
        .map(signedZero);
    case "decimal":
      return fc
        .bigInt({ min: -(10n ** BigInt(type.precision)) + 1n, max: 10n ** BigInt(type.precision) - 1n })
        .map((value) => decimalOf(value, type.scale));
    case "string":
      return fc.string({ unit: "grapheme", maxLength: 12 });
    case "binary":
      return fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    case "date":
      return moment.map((ms) => isoOf(ms).slice(0, 10));
    case "timestamp":
    case "timestamp_ntz":
      return fc
        .tuple(moment, fc.integer({ min: 0, max: 999 }))
        .map(
          ([ms, micros]) =>
            `${isoOf(ms).slice(0, -1)}${String(micros).padStart(3, "0")}${type.kind === "timestamp" ? "Z" : ""}`,
        );
    case "array":
      return fc.array(fc.option(randomOf(type.element)), { maxLength: 5 });
    case "map":
      return fc
        .uniqueArray(randomOf(type.key), { maxLength: 4, comparator: "SameValue" })
        .chain((keys) =>
          fc
            .tuple(...keys.map(() => fc.option(randomOf(type.value))))
            .map((values) => keys.map((key, index) => ({ key, value: values[index] }))),
        );
    case "struct":
      return fc.record(
        Object.fromEntries(
          Object.entries<StructField>(type.fields).map(([name, field]) => [name, fc.option(randomOf(field.type))]),
        ),
      );
    default:
      throw new Error(`no inputs of ${type.kind}`);
  }
}

/** JSON has no negative zero as a number. */
const signedZero = (value: number): number | string => (Object.is(value, -0) ? "-0" : value);

const moment = fc
  .integer({ min: Date.UTC(1, 0, 1) - 0, max: Date.UTC(2199, 0, 1) })
  .map((ms) => Math.max(ms, -62135596800000));
const isoOf = (ms: number): string => new Date(ms).toISOString();

function decimalOf(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return value < 0n ? `-${text}` : text;
}
