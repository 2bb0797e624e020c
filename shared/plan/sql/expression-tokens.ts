/**
 * The words of an expression in Spark's SQL.
 *
 *   amount >= 1.5 AND `my state` = 'NV'   →   name, operator, number, name, operator, text …
 */
import { DyneError, limits } from "../../core/index.ts";

export type Token =
  /** A name as it is, or in backticks; only the former can be a keyword. */
  | { readonly kind: "name"; readonly text: string; readonly quoted: boolean; readonly at: number }
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  | { readonly kind: "text"; readonly text: string; readonly at: number }
  | { readonly kind: "operator"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly text: ""; readonly at: number };

const blank = /\s+/y;
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYDF])?(?![\p{L}\d_])/iuy;
const name = /[\p{L}_][\p{L}\d_]*/uy;
const quotedName = /`((?:[^`]|``)+)`/y;
const text = /'((?:[^'\\]|\\[^]|'')*)'|"((?:[^"\\]|\\[^]|"")*)"/y;
const operator = /->|<=>|<=|>=|<>|!=|==|\|\||::|[-+*/%=<>!(),.[\]~&|^:?]/y;

/** Takes a text apart. Throws INVALID_ARGUMENT, with the place, at what is no word of SQL; LIMIT_EXCEEDED for a text without measure. */
export function tokensOf(source: string): readonly Token[] {
  if (source.length > limits.expressionCharacters)
    throw new DyneError(
      "LIMIT_EXCEEDED",
      `An expression of ${source.length} characters is longer than ${limits.expressionCharacters}. Write it shorter.`,
    );
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source) ?? undefined;
  };
  while (at < source.length) {
    const blanks = match(blank);
    if (blanks !== undefined) {
      at += blanks[0].length;
      continue;
    }
    const found = tokenAt(match, at);
    if (found === undefined) throw unexpected(source, at, "is not closed, or no part of an expression");
    tokens.push(found.token);
    at += found.length;
  }
  return [...tokens, { kind: "end", text: "", at: source.length }];
}

function tokenAt(
  match: (pattern: RegExp) => RegExpExecArray | undefined,
  at: number,
): { readonly token: Token; readonly length: number } | undefined {
  const asNumber = match(number);
  if (asNumber !== undefined) return { token: { kind: "number", text: asNumber[0], at }, length: asNumber[0].length };
  const asName = match(name);
  if (asName !== undefined)
    return { token: { kind: "name", text: asName[0], quoted: false, at }, length: asName[0].length };
  const quoted = match(quotedName);
  if (quoted !== undefined) {
    const token: Token = { kind: "name", text: quoted[1]!.replaceAll("``", "`"), quoted: true, at };
    return { token, length: quoted[0].length };
  }
  const asText = match(text);
  if (asText !== undefined) {
    const quote = asText[0][0]!;
    const inner = (asText[1] ?? asText[2] ?? "").replaceAll(quote + quote, quote);
    return { token: { kind: "text", text: unescaped(inner), at }, length: asText[0].length };
  }
  const asOperator = match(operator);
  return asOperator && { token: { kind: "operator", text: asOperator[0], at }, length: asOperator[0].length };
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  0: "\0",
  Z: "\u001A",
  // Patterns of LIKE keep their own escapes.
  "%": "\\%",
  _: "\\_",
};

function unescaped(inner: string): string {
  return inner.replaceAll(/\\(u[0-9a-fA-F]{4}|[0-3][0-7]{2}|[^])/g, (_whole, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code, 8));
    return escapes[code] ?? code;
  });
}

/** Where something stands in an expression, for people: `at character 9 of "amount > #"`. */
export function placeIn(source: string, at: number): string {
  return `at character ${at + 1} of ${JSON.stringify(source.slice(0, limits.sampleCharacters))}`;
}

/** What is refused because it cannot stand where it stands. */
export function unexpected(source: string, at: number, why: string): DyneError {
  const there = at >= source.length ? "The end" : JSON.stringify(source.slice(at, at + 20));
  return new DyneError("INVALID_ARGUMENT", `${there} ${why}, ${placeIn(source, at)}. Write it as Spark's SQL does.`, {
    details: { text: source, position: at },
  });
}

/** What Spark may know and dyne does not compute. */
export function notComputed(source: string, at: number, what: string): DyneError {
  return new DyneError(
    "UNSUPPORTED_FEATURE",
    `dyne does not compute ${what}, ${placeIn(source, at)}. Write the expression without it, or use Spark.`,
    { details: { features: [what], text: source, position: at } },
  );
}
