/**
 * Groups of a Parquet file that are marked as variants are read as the columns that they have: DuckDB takes a marked one apart itself, which
 * loses nanoseconds, and ends the process where values lie in one another ten thousand times.
 *
 * The mark is a member of a union that readers pass over where they do not know it (parquet.thrift, `LogicalType`), and the footer is
 * written in Thrift's compact protocol. So the mark's number in the local copy becomes one that means nothing.
 */
import { open } from "node:fs/promises";
import { DyneError } from "../../core/index.ts";

/** The magic word at the end of a file, and before it the length of the footer. */
const magic = "PAR1";
const trailerBytes = 8;
const footerBytesMax = 256 * 1024 * 1024;

/** `FileMetaData.schema`, `SchemaElement.logicalType` and `LogicalType.VARIANT`. */
const [schemaField, logicalTypeField, variantField] = [2, 10, 16] as const;
/** A field's header in its long form: a struct, and its number in zigzag. */
const [structType, listType] = [12, 9] as const;
const variantNumber = 2 * variantField;
const unknownNumber = 2 * 63;

/** Changes a local copy in place; one without marks stays as it is. Throws DATA_ERROR for a footer that cannot be read. */
export async function unmarkVariants(localFile: string): Promise<void> {
  const file = await open(localFile, "r+");
  try {
    const { size } = await file.stat();
    const trailer = Buffer.alloc(trailerBytes);
    await file.read(trailer, 0, trailerBytes, Math.max(0, size - trailerBytes));
    const length = trailer.readUInt32LE(0);
    // Whatever else it is, whoever reads the rows refuses it.
    if (trailer.toString("latin1", 4) !== magic || length > size - trailerBytes || length > footerBytesMax) return;
    const footer = Buffer.alloc(length);
    const start = size - trailerBytes - length;
    await file.read(footer, 0, length, start);
    if (!footer.includes(Buffer.of(structType, variantNumber))) return;
    for (const at of variantMarks(footer)) await file.write(Uint8Array.of(unknownNumber), 0, 1, start + at);
  } finally {
    await file.close();
  }
}

/** Where in a footer the numbers of the marks are. */
function variantMarks(footer: Uint8Array): readonly number[] {
  const marks: number[] = [];
  const thrift = new CompactThrift(footer);
  thrift.fields((id, type) => {
    if (id !== schemaField || type !== listType) return thrift.skip(type);
    const { count, type: element } = thrift.listHeader();
    for (let index = 0; index < count; index++) {
      if (element !== structType) thrift.skip(element);
      else
        thrift.fields((inner, innerType) => {
          if (inner !== logicalTypeField || innerType !== structType) return thrift.skip(innerType);
          thrift.fields((member, memberType) => {
            if (member === variantField && memberType === structType) marks.push(thrift.position - 1);
            thrift.skip(memberType);
          });
        });
    }
  });
  return marks;
}

const nestingMax = 64;

/** Thrift's compact protocol, as much as it takes to walk through it. */
class CompactThrift {
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
