/** Gives equal plain data one short key, and freezes it. Data that share parts are looked at only where they are new. */
export class Interner {
  readonly #keys = new WeakMap<object, string>();
  readonly #numbers = new Map<string, string>();

  /** Equal for values that are equal all the way down, whatever the order of their properties; `undefined` properties count as absent. */
  keyOf(value: unknown): string {
    if (typeof value !== "object" || value === null) return value === undefined ? "_" : JSON.stringify(value);
    const known = this.#keys.get(value);
    if (known !== undefined) return known;
    const text = Array.isArray(value)
      ? `[${value.map((each) => this.keyOf(each)).join(",")}]`
      : `{${this.#members(value)}}`;
    let key = this.#numbers.get(text);
    if (key === undefined) {
      key = `#${this.#numbers.size.toString(36)}`;
      this.#numbers.set(text, key);
    }
    this.#keys.set(Object.freeze(value), key);
    return key;
  }

  #members(value: object): string {
    const members: string[] = [];
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined) members.push(`${name}:${this.keyOf(member)}`);
    }
    return members.toSorted().join(",");
  }
}
