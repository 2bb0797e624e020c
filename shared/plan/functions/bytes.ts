/** Bytes as text, text as bytes, and digests. */
import { binaryType, calling, orError, scalarEntry, stringType } from "./define.ts";
import type { ScalarFunction, SpellingContext } from "./function-definition.ts";
import { exactly, integralKinds } from "./type-rules.ts";

const either = ["string", "binary"] as const;
const text = ["string"] as const;

/** A text as its bytes in UTF-8, bytes as they are. */
const bytesOf = (value: string, { args }: SpellingContext): string =>
  args[0]?.kind === "string" ? `encode(${value})` : value;

function digest(
  name: string,
  usage: string,
  does: string,
  duckdb: string,
  spark: (value: string) => string,
): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${usage}(value: string | binary): string`,
    does,
    type: exactly([either], stringType),
    binds: false,
    duckdb: ([a], context) => `${duckdb}(${bytesOf(a as string, context)})`,
    spark: ([a]) => spark(a as string),
  });
}

/** Bytes and digests. */
export const byteFunctions = [
  scalarEntry({
    name: "encode",
    usage: "encode(text: string): binary",
    does: "The bytes of a text in UTF-8.",
    type: exactly([text], binaryType),
    binds: false,
    duckdb: calling("encode"),
    spark: ([a]) => `encode(${a}, 'UTF-8')`,
  }),
  scalarEntry({
    name: "decode",
    usage: "decode(bytes: binary): string",
    does: "The text that bytes are in UTF-8; bytes that are none are an error of the row.",
    type: exactly([["binary"]], stringType),
    duckdb: ([a], { bind }) => orError(`TRY(decode(${a}))`, [a as string], "the bytes are not UTF-8", bind),
    spark: ([a]) => `decode(${a}, 'UTF-8')`,
  }),
  scalarEntry({
    name: "base64",
    usage: "base64(value: string | binary): string",
    does: "Bytes, or a text in UTF-8, in base64, with a line break (CR LF) after every 76 characters.",
    type: exactly([either], stringType),
    binds: false,
    duckdb: ([a], context) =>
      `rtrim(regexp_replace(to_base64(${bytesOf(a as string, context)}), '(.{76})', '\\1' || chr(13) || chr(10), 'g'), chr(13) || chr(10))`,
    spark: ([a]) => `base64(${a})`,
  }),
  scalarEntry({
    name: "unbase64",
    usage: "unbase64(text: string): binary",
    does: "The bytes that a text is in base64; characters outside of its alphabet are passed over, other faults are errors of the row.",
    type: exactly([text], binaryType),
    duckdb: ([a], { bind }) => {
      const digits = bind(`regexp_replace(${a}, '[^A-Za-z0-9+/=]', '', 'g')`);
      const padding = `CASE WHEN contains(${digits}, '=') THEN '' ELSE repeat('=', (4 - length(${digits}) % 4) % 4) END`;
      return orError(`TRY(from_base64(${digits} || ${padding}))`, [a as string], "the text is not base64", bind);
    },
    spark: calling("unbase64"),
  }),
  scalarEntry({
    name: "hex",
    usage: "hex(value: string | binary | bigint): string",
    does: "Bytes, a text in UTF-8, or a whole number (in two's complement) in upper-case hexadecimal digits.",
    type: exactly([[...either, ...integralKinds]], stringType),
    binds: false,
    duckdb: ([a], { args }) => `hex(${either.some((kind) => kind === args[0]?.kind) ? a : `CAST(${a} AS BIGINT)`})`,
    spark: calling("hex"),
  }),
  scalarEntry({
    name: "unhex",
    usage: "unhex(text: string): binary",
    does: "The bytes that hexadecimal digits are, with a leading 0 where their number is odd; NULL for other text.",
    type: exactly([text], binaryType),
    duckdb: ([a]) =>
      `CASE WHEN regexp_full_match(${a}, '[0-9A-Fa-f]*') THEN unhex(CASE WHEN length(${a}) % 2 = 1 THEN '0' || ${a} ELSE ${a} END) END`,
    spark: calling("unhex"),
  }),
  digest("md5", "md5", "The MD5 digest in hexadecimal digits.", "md5", (value) => `md5(${value})`),
  digest("sha1", "sha1", "The SHA-1 digest in hexadecimal digits.", "sha1", (value) => `sha1(${value})`),
  digest("sha2", "sha2", "The SHA-256 digest in hexadecimal digits.", "sha256", (value) => `sha2(${value}, 256)`),
] as const satisfies readonly ScalarFunction[];
