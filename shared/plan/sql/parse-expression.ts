/**
 * Expressions as people and tables write them, in Spark's SQL: predicates, CHECK constraints, invariants and generation expressions
 * (PROTOCOL.md § CHECK Constraints, § Column Invariants, § Generated Columns).
 *
 *   amount > 3 AND state IN ('NV', 'CA') OR birth_date >= DATE '1990-01-01'
 *
 * What binds tighter stands lower: OR, AND, NOT, comparisons and predicates, + - ||, * / %, signs, casts and fields.
 */
import { DyneError, limits, nearestName } from "../../core/index.ts";
import { functionTable } from "../functions/index.ts";
import type { Expression } from "../expression.ts";
import { typeName } from "../type-name.ts";
import type { DataType, Schema } from "../types.ts";
import { castTo, numberLiteral, untypedNull, type Typed } from "./expression-coercion.ts";
import { higherOrderNames, namedFunctions } from "./expression-functions.ts";
import { notComputed, placeIn, unexpected, type Token } from "./expression-tokens.ts";
import { typeNamed } from "./expression-types.ts";
import { bitOperators, comparisons, literalTypes, products, reserved, sums } from "./expression-words.ts";
import { higherOrderNamed, lambdaCall } from "./lambda-call.ts";
import { TokenCursor } from "./token-cursor.ts";
import { asCondition, asNumbers, operandsOf, TypedExpressions } from "./typed-expressions.ts";

/**
 * Reads a scalar expression over the columns of a schema, whose names it knows in whatever case, as Spark does with ANSI on.
 *
 * Errors say at which character: INVALID_ARGUMENT for what is no expression; UNKNOWN_COLUMN; TYPE_MISMATCH where types do not go together;
 * UNSUPPORTED_FEATURE for what Spark knows and dyne does not compute; LIMIT_EXCEEDED for a text too long or too deep.
 */
export function parseExpression(text: string, schema: Schema): Expression {
  return new ExpressionParser(text, schema).whole().expression;
}

/** As `parseExpression`, of something that is true or false. */
export function parsePredicate(text: string, schema: Schema): Expression {
  const { expression, type, isNull } = new ExpressionParser(text, schema).whole();
  if (isNull === true) return { kind: "literal", value: null, type: { kind: "boolean" } };
  if (type.kind === "boolean") return expression;
  throw new DyneError(
    "TYPE_MISMATCH",
    `${JSON.stringify(text.slice(0, limits.sampleCharacters))} is ${typeName(type)}, not true or false. Compare it with something.`,
    { details: { text } },
  );
}

class ExpressionParser {
  readonly #words: TokenCursor;
  readonly #make: TypedExpressions;
  #depth = 0;

  constructor(source: string, schema: Schema) {
    this.#words = new TokenCursor(source);
    this.#make = new TypedExpressions(source, schema);
  }

  whole(): Typed {
    const value = this.#disjunction();
    if (this.#words.token.kind !== "end") throw this.#words.unexpected("cannot follow");
    return value;
  }

  #disjunction(): Typed {
    if (++this.#depth > limits.expressionDepth)
      throw new DyneError(
        "LIMIT_EXCEEDED",
        `An expression is nested more than ${limits.expressionDepth} deep, ${placeIn(this.#words.source, this.#words.token.at)}. Write it flatter.`,
      );
    let left = this.#conjunction();
    for (let at = this.#words.token.at; this.#words.word("or"); at = this.#words.token.at)
      left = this.#make.call("or", [left, this.#conjunction()].map(asCondition), at);
    this.#depth--;
    return left;
  }

  #conjunction(): Typed {
    let left = this.#negation();
    for (let at = this.#words.token.at; this.#words.word("and"); at = this.#words.token.at)
      left = this.#make.call("and", [left, this.#negation()].map(asCondition), at);
    return left;
  }

  #negation(): Typed {
    const { at } = this.#words.token;
    let negations = 0;
    while (this.#words.word("not") || this.#words.operator("!")) negations++;
    const value = this.#predicate();
    // An even number of them says nothing but that it is a condition.
    if (negations === 0) return value;
    const negated = this.#make.call("not", [asCondition(value)], at);
    return negations % 2 === 1 ? negated : this.#make.call("not", [negated], at);
  }

  #predicate(): Typed {
    let left = this.#sum();
    for (;;) {
      const token = this.#words.token;
      const comparison = token.kind === "operator" ? comparisons[token.text] : undefined;
      if (comparison !== undefined) {
        this.#words.take();
        left = this.#make.alikeCall(comparison, [left, this.#sum()], token.at);
        continue;
      }
      const after = this.#wordsAfter(left, token.at);
      if (after === undefined) return left;
      left = after;
    }
  }

  /** What follows an operand as words: IN, BETWEEN, LIKE, RLIKE, IS. */
  #wordsAfter(left: Typed, at: number): Typed | undefined {
    if (this.#words.word("is")) return this.#is(left, at);
    const start = this.#words.mark;
    const negated = this.#words.word("not");
    const found = this.#listOrPattern(left, at);
    if (found === undefined) this.#words.back(start);
    return found && negated ? this.#make.call("not", [found], at) : found;
  }

  #listOrPattern(left: Typed, at: number): Typed | undefined {
    if (this.#words.word("in")) {
      this.#words.expect("(");
      this.#refuseSubquery();
      return this.#make.alikeCall("isin", [left, ...this.#list()], at);
    }
    if (this.#words.word("between")) {
      const least = this.#sum();
      this.#words.expectWord("and", "BETWEEN");
      const most = this.#sum();
      const [value, from, to] = this.#make.alike([left, least, most], at);
      return this.#make.call(
        "and",
        [this.#make.call("ge", [value!, from!], at), this.#make.call("le", [value!, to!], at)],
        at,
      );
    }
    if (this.#words.word("rlike") || this.#words.word("regexp"))
      return this.#make.call("rlike", [left, this.#sum()], at);
    if (this.#words.isWord("ilike")) throw this.#notComputed(this.#words.token.at, "ILIKE");
    if (!this.#words.word("like")) return undefined;
    const pattern = this.#sum();
    if (this.#words.isWord("escape")) throw this.#notComputed(this.#words.token.at, "LIKE with ESCAPE");
    return this.#make.call("like", [left, pattern], at);
  }

  #is(left: Typed, at: number): Typed {
    const negated = this.#words.word("not");
    if (this.#words.word("null")) return this.#make.call(negated ? "is_not_null" : "is_null", [left], at);
    if (this.#words.word("distinct")) {
      this.#words.expectWord("from", "IS DISTINCT");
      const same = this.#make.alikeCall("eq_null_safe", [left, this.#sum()], at);
      return negated ? same : this.#make.call("not", [same], at);
    }
    const value = this.#words.word("true") ? true : this.#words.word("false") ? false : undefined;
    if (value === undefined) throw this.#words.unexpected("cannot follow IS");
    const same = this.#make.call("eq_null_safe", [asCondition(left), truth(value)], at);
    return negated ? this.#make.call("not", [same], at) : same;
  }

  #sum(): Typed {
    const sum = (): Typed => this.#chain(sums, () => this.#chain(products, () => this.#sign()));
    return bitOperators.reduce((tighter, operators) => () => this.#chain(operators, tighter), sum)();
  }

  #chain(operators: Readonly<Record<string, string>>, operand: () => Typed): Typed {
    let left = operand();
    for (;;) {
      const token = this.#words.token;
      const word = token.kind === "operator" || this.#words.isWord("div") ? token.text.toLowerCase() : "";
      const name = Object.hasOwn(operators, word) ? operators[word] : undefined;
      if (name === undefined) return left;
      this.#words.take();
      const args = [left, operand()];
      left = this.#make.call(
        name,
        name === "concat" ? this.#make.all(args, { kind: "string" }, token.at) : operandsOf(name, args),
        token.at,
      );
    }
  }

  #sign(): Typed {
    const { at } = this.#words.token;
    if (this.#words.operator("+")) return this.#sign();
    if (this.#words.operator("~")) return this.#make.call("bitwise_not", [this.#sign()], at);
    if (!this.#words.operator("-")) return this.#postfix();
    const token = this.#words.token;
    // The least whole number has no positive one that fits its type.
    if (token.kind === "number") {
      this.#words.take();
      return this.#number(token, "-");
    }
    if (++this.#depth > limits.expressionDepth) throw this.#words.unexpected("has too many signs");
    const value = this.#make.call("negate", asNumbers([this.#sign()]), at);
    this.#depth--;
    return value;
  }

  #postfix(): Typed {
    let value = this.#operand();
    for (;;) {
      const { at } = this.#words.token;
      if (this.#words.operator("::")) value = this.#make.cast(value, this.#type(), "ansi", at);
      else if (this.#words.operator(".")) value = this.#field(value);
      else if (this.#words.isOperator("[")) throw this.#notComputed(at, "elements by [ ]");
      else return value;
    }
  }

  #field(value: Typed): Typed {
    const token = this.#words.token;
    if (token.kind !== "name") throw this.#words.unexpected("stands where the name of a field is needed");
    this.#words.take();
    return this.#make.field(value, token.text, token.at);
  }

  #operand(): Typed {
    const token = this.#words.take();
    switch (token.kind) {
      case "number":
        return this.#number(token, "");
      case "text":
        return textOf(this.#adjacentTexts(token.text));
      case "name":
        return this.#named(token);
      case "operator":
        if (token.text === "(") return this.#parenthesised();
        throw unexpected(this.#words.source, token.at, "stands where a value is needed");
      case "end":
        throw unexpected(this.#words.source, token.at, "stands where a value is needed");
    }
  }

  #parenthesised(): Typed {
    this.#refuseSubquery();
    const inner = this.#disjunction();
    this.#words.expect(")");
    return inner;
  }

  #refuseSubquery(): void {
    if (this.#words.isWord("select")) throw this.#notComputed(this.#words.token.at, "subqueries");
  }

  #notComputed(at: number, what: string): DyneError {
    return notComputed(this.#words.source, at, what);
  }

  #named(token: Token & { readonly kind: "name" }): Typed {
    const word = token.quoted ? "" : token.text.toLowerCase();
    if (word === "true" || word === "false") return truth(word === "true");
    if (word === "null") return untypedNull;
    if (word === "case") return this.#case(token.at);
    const following = this.#words.token;
    if (following.kind === "operator" && following.text === "(" && !token.quoted) {
      this.#words.take();
      if (word === "cast" || word === "try_cast") return this.#castCall(word === "cast" ? "ansi" : "try", token.at);
      return this.#functionCall(word, token.at);
    }
    if (following.kind === "text" && !token.quoted) return this.#typedText(word, token.at);
    if (word === "interval") throw this.#notComputed(token.at, "intervals");
    if (reserved.has(word)) throw unexpected(this.#words.source, token.at, "stands where a value is needed");
    return this.#make.column(token.text, token.at);
  }

  /** `DATE '2001-01-01'`, `TIMESTAMP '…'`, `X'1F'`. */
  #typedText(word: string, at: number): Typed {
    const { text } = this.#words.token;
    this.#words.take();
    if (word === "x") {
      if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw unexpected(this.#words.source, at, "is not hexadecimal");
      const value = Buffer.from(text, "hex").toString("base64");
      return { expression: { kind: "literal", value, type: { kind: "binary" } }, type: { kind: "binary" } };
    }
    if (word === "interval") throw this.#notComputed(at, "intervals");
    const type = literalTypes[word];
    const value = type && castTo(textOf(text), type);
    if (value === undefined) throw unexpected(this.#words.source, at, `is no literal that dyne knows`);
    return value;
  }

  #adjacentTexts(first: string): string {
    let text = first;
    for (let token = this.#words.token; token.kind === "text"; token = this.#words.token) {
      text += token.text;
      this.#words.take();
    }
    return text;
  }

  #case(at: number): Typed {
    const subject = this.#words.isWord("when") ? undefined : this.#disjunction();
    const whens: Typed[] = [];
    const thens: Typed[] = [];
    while (this.#words.word("when")) {
      const when = this.#disjunction();
      whens.push(subject === undefined ? asCondition(when) : this.#make.alikeCall("eq", [subject, when], at));
      this.#words.expectWord("then", "CASE");
      thens.push(this.#disjunction());
    }
    const otherwise = this.#words.word("else") ? this.#disjunction() : undefined;
    if (whens.length === 0 || !this.#words.word("end"))
      throw this.#words.unexpected("stands where CASE needs WHEN or END");
    const results = this.#make.alike(otherwise === undefined ? thens : [...thens, otherwise], at);
    const branches = whens.map(({ expression }, index) => ({ when: expression, then: results[index]!.expression }));
    return this.#make.typed({ kind: "case", branches, otherwise: otherwise && results.at(-1)!.expression }, at);
  }

  #castCall(mode: "ansi" | "try", at: number): Typed {
    const value = this.#disjunction();
    this.#words.expectWord("as", "CAST");
    const type = this.#type();
    this.#words.expect(")");
    return this.#make.cast(value, type, mode, at);
  }

  #type(): DataType {
    const token = this.#words.token;
    if (token.kind !== "name") throw this.#words.unexpected("stands where a type is needed");
    this.#words.take();
    const numbers: number[] = [];
    if (this.#words.operator("(")) {
      do {
        const digits = this.#words.token;
        if (digits.kind !== "number" || !/^\d{1,2}$/.test(digits.text))
          throw this.#words.unexpected("is no size of a type");
        numbers.push(Number(digits.text));
        this.#words.take();
      } while (this.#words.operator(","));
      this.#words.expect(")");
    }
    const type = typeNamed(token.text, numbers);
    if (
      type === undefined ||
      (this.#words.token.kind === "operator" &&
        this.#words.token.text === "<" &&
        /^(array|map|struct)$/i.test(token.text))
    )
      throw this.#notComputed(token.at, `casts to ${token.text}`);
    return type;
  }

  #functionCall(word: string, at: number): Typed {
    const higherOrder = higherOrderNamed(word, higherOrderNames);
    if (higherOrder !== undefined) {
      this.#refuseSubquery();
      return lambdaCall(higherOrder, at, this.#words, this.#make, () => this.#disjunction());
    }
    const definition = Object.hasOwn(namedFunctions, word) ? namedFunctions[word]! : undefined;
    if (definition === undefined) throw this.#unknownFunction(word, at);
    const args = this.#words.operator(")") ? [] : this.#list();
    const { least, most } = definition;
    if (args.length < least || args.length > most)
      throw unexpected(
        this.#words.source,
        at,
        `has ${args.length} arguments, and takes ${least === most ? least : `${least} or more`}`,
      );
    const alike = definition.alike === true ? this.#make.alike(args, at) : args;
    const expression = definition.make(alike);
    if (expression !== undefined) return this.#make.typed(expression, at);
    throw this.#make.mismatch(`${word} does not take ${alike.map(({ type }) => typeName(type)).join(", ")}`, at);
  }

  #unknownFunction(word: string, at: number): DyneError {
    const nearest = nearestName(word, Object.keys(namedFunctions));
    const isAggregate = functionTable.some(({ kind, name }) => kind !== "scalar" && name === word);
    if (isAggregate) return this.#notComputed(at, `${word} over several rows in an expression of one`);
    return notComputed(
      this.#words.source,
      at,
      `the function ${word}${nearest === undefined ? "" : ` (it has ${nearest})`}`,
    );
  }

  /** Values up to the closing parenthesis. */
  #list(): readonly Typed[] {
    const values = [this.#disjunction()];
    while (this.#words.operator(",")) values.push(this.#disjunction());
    this.#words.expect(")");
    return values;
  }

  #number(token: Token, sign: "" | "-"): Typed {
    const value = numberLiteral(token.text, sign);
    if (value === undefined) throw unexpected(this.#words.source, token.at, "does not fit its type");
    return value;
  }
}

function textOf(text: string): Typed {
  return { expression: { kind: "literal", value: text, type: { kind: "string" } }, type: { kind: "string" } };
}

function truth(value: boolean): Typed {
  return { expression: { kind: "literal", value, type: { kind: "boolean" } }, type: { kind: "boolean" } };
}
