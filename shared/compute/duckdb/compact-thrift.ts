/**
 * Thrift's compact protocol, in which footers of Parquet files are written, as much as it takes to walk through one. What is asked is where in
 * the footer a value lies, so that it can be taken out of a copy; readers of Parquet give values without their places.
 */
import { DyneError } from "../../core/index.ts";

/** Types of values, as fields and lists name them. */
export const thriftTypes = { binary: 8, list: 9, struct: 12 } as const;

const nestingMax = 64;

/** Throws DATA_ERROR wherever the bytes are none of it. */
export class CompactThrift {
  readonly #bytes: Uint8Array;
  #depth = 0;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Each field of a struct by number and type; `take` has to go over it. */
  fields(take: (id: number, type: number) => void): void {
    if (++this.#depth > nestingMax) throw brokenFooter();
    let id = 0;
    for (let header = this.#byte(); header !== 0; header = this.#byte()) {
      const delta = header >> 4;
      id = delta === 0 ? this.#zigzag() : id + delta;
      take(id, header & 0x0f);
    }
    this.#depth--;
  }

  listHeader(): { readonly count: number; readonly type: number } {
    const header = this.#byte();
    return { count: header >> 4 === 15 ? this.#varint() : header >> 4, type: header & 0x0f };
  }

  /** The bytes of a text or of a binary value. */
  binary(): Uint8Array {
    const length = this.#varint();
    this.#pass(length);
    return this.#bytes.subarray(this.position - length, this.position);
  }

  /** Goes over a value. */
  skip(type: number): void {
    switch (type) {
      case 1:
      case 2:
        return; // A field's boolean is in its header.
      case 3:
        return this.#pass(1);
      case 4:
      case 5:
      case 6:
        this.#varint();
        return;
      case 7:
        return this.#pass(8);
      case 8:
        return this.#pass(this.#varint());
      case 9:
      case 10: {
        const { count, type: element } = this.listHeader();
        return this.#repeat(count, () => this.#skipElement(element));
      }
      case 11: {
        const count = this.#varint();
        if (count === 0) return;
        const types = this.#byte();
        return this.#repeat(count, () => {
          this.#skipElement(types >> 4);
          this.#skipElement(types & 0x0f);
        });
      }
      case 12:
        return this.fields((_, inner) => this.skip(inner));
      default:
        throw brokenFooter();
    }
  }

  #skipElement(type: number): void {
    if (type === 1 || type === 2) this.#pass(1);
    else this.skip(type);
  }

  /** An element has a byte at least, so that a number of them that is too large ends with the bytes. */
  #repeat(count: number, each: () => void): void {
    if (++this.#depth > nestingMax || count > this.#bytes.length) throw brokenFooter();
    for (let index = 0; index < count; index++) each();
    this.#depth--;
  }

  #pass(count: number): void {
    this.position += count;
    if (this.position > this.#bytes.length) throw brokenFooter();
  }

  #byte(): number {
    const byte = this.#bytes[this.position++];
    if (byte === undefined) throw brokenFooter();
    return byte;
  }

  #zigzag(): number {
    const number = this.#varint();
    return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
  }

  /** Of 64 bits; those beyond 2^53 are not exact, and only gone over. */
  #varint(): number {
    let number = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = this.#byte();
      number += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return number;
    }
    throw brokenFooter();
  }
}

function brokenFooter(): DyneError {
  return new DyneError("DATA_ERROR", "The footer of a data file cannot be read. Restore the file.");
}
