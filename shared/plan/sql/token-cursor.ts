/** A place among the words of an expression, which moves on as they are understood. */
import type { DyneError } from "../../core/index.ts";
import { tokensOf, unexpected, type Token } from "./expression-tokens.ts";

export class TokenCursor {
  readonly source: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: string) {
    this.source = source;
    this.#tokens = tokensOf(source);
  }

  /** The next word, which is not taken yet. */
  get token(): Token {
    return this.#tokens[this.#next]!;
  }

  /** Takes the next word. */
  take(): Token {
    return this.#tokens[this.#next++]!;
  }

  /** Where the cursor stands, to come back to. */
  get mark(): number {
    return this.#next;
  }

  back(mark: number): void {
    this.#next = mark;
  }

  /** True where the next word is this one, in whatever case and not in backticks. */
  isWord(word: string): boolean {
    const { token } = this;
    return token.kind === "name" && !token.quoted && token.text.toLowerCase() === word;
  }

  isOperator(text: string): boolean {
    return this.token.kind === "operator" && this.token.text === text;
  }

  /** Takes the next word if it is this one. */
  word(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#next++;
    return true;
  }

  /** Takes the next operator if it is this one. */
  operator(text: string): boolean {
    if (!this.isOperator(text)) return false;
    this.#next++;
    return true;
  }

  /** Takes an operator that must stand there. Throws INVALID_ARGUMENT. */
  expect(text: string): void {
    if (!this.operator(text)) throw this.unexpected(`stands where "${text}" is needed`);
  }

  /** Takes a word that must stand there. Throws INVALID_ARGUMENT. */
  expectWord(word: string, of: string): void {
    if (!this.word(word)) throw this.unexpected(`stands where ${of} needs ${word.toUpperCase()}`);
  }

  /** The error for a word that cannot stand where the cursor is. */
  unexpected(why: string): DyneError {
    return unexpected(this.source, this.token.at, why);
  }
}
