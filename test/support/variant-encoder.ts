/** Values as the bytes of a variant, for tests of whoever reads them: the encoding that Parquet's VariantEncoding.md describes. */

export type Encodable =
  | { readonly kind: "bytes"; /** A primitive value with its header. */ readonly bytes: Uint8Array }
  | { readonly kind: "text"; readonly text: string; readonly long: boolean }
  | { readonly kind: "array"; readonly elements: readonly Encodable[] }
  | { readonly kind: "object"; readonly fields: readonly (readonly [name: string, value: Encodable])[] };

export interface EncodeOptions {
  /** Bytes of a number in objects and arrays beyond those that it takes: the encoding allows more. */
  readonly wide: boolean;
  /** Values of objects lie in the bytes in the reverse order of their names. */
  readonly reversed: boolean;
}

export interface EncodedVariant {
  readonly metadata: Uint8Array;
  readonly value: Uint8Array;
}

/** Names have to be unique in an object. */
export function encodeVariant(value: Encodable, options: EncodeOptions): EncodedVariant {
  const names = [...new Set(namesIn(value))].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const ids = new Map(names.map((name, index) => [name, index]));
  return { metadata: metadataOf(names, options), value: bytesOf(value, ids, options) };
}

/** A primitive value: the number of its type, and its bytes. */
export function primitive(type: number, bytes: Uint8Array = new Uint8Array()): Encodable {
  return { kind: "bytes", bytes: Buffer.concat([Uint8Array.of(type << 2), bytes]) };
}

export function littleEndian(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index++) bytes[index] = Number((value >> BigInt(8 * index)) & 0xffn);
  return bytes;
}

function namesIn(value: Encodable): readonly string[] {
  if (value.kind === "array") return value.elements.flatMap(namesIn);
  return value.kind === "object" ? value.fields.flatMap(([name, field]) => [name, ...namesIn(field)]) : [];
}

function metadataOf(names: readonly string[], { wide }: EncodeOptions): Uint8Array {
  const texts = names.map((name) => Buffer.from(name));
  const offsets = offsetsOf(texts.map(({ length }) => length));
  const size = wide ? 4 : sizeOf(Math.max(names.length, offsets.at(-1)!));
  const header = 1 | (1 << 4) | ((size - 1) << 6);
  const numbers = [names.length, ...offsets].map((number) => littleEndian(BigInt(number), size));
  return Buffer.concat([Uint8Array.of(header), ...numbers, ...texts]);
}

function bytesOf(value: Encodable, ids: ReadonlyMap<string, number>, options: EncodeOptions): Uint8Array {
  switch (value.kind) {
    case "bytes":
      return value.bytes;
    case "text": {
      const text = Buffer.from(value.text);
      if (!value.long && text.length < 64) return Buffer.concat([Uint8Array.of((text.length << 2) | 1), text]);
      return Buffer.concat([Uint8Array.of(16 << 2), littleEndian(BigInt(text.length), 4), text]);
    }
    case "array":
      return container([], value.elements, ids, options);
    case "object": {
      const fields = value.fields.toSorted(([a], [b]) => ids.get(a)! - ids.get(b)!);
      const names = fields.map(([name]) => ids.get(name)!);
      return container(
        names,
        fields.map(([, field]) => field),
        ids,
        options,
        true,
      );
    }
  }
}

function container(
  names: readonly number[],
  values: readonly Encodable[],
  ids: ReadonlyMap<string, number>,
  options: EncodeOptions,
  isObject = false,
): Uint8Array {
  const bytes = values.map((value) => bytesOf(value, ids, options));
  const places = bytes.map((_, index) => index);
  if (options.reversed && isObject) places.reverse();
  const starts = offsetsOf(places.map((place) => bytes[place]!.length));
  const offsets = [...bytes.map((_, index) => starts[places.indexOf(index)]!), starts.at(-1)!];
  const isLarge = options.wide || values.length > 255;
  const offsetSize = options.wide ? 4 : sizeOf(starts.at(-1)!);
  const idSize = options.wide ? 4 : sizeOf(Math.max(0, ...names));
  const info = isObject
    ? (Number(isLarge) << 4) | ((idSize - 1) << 2) | (offsetSize - 1)
    : (Number(isLarge) << 2) | (offsetSize - 1);
  return Buffer.concat([
    Uint8Array.of((info << 2) | (isObject ? 2 : 3)),
    littleEndian(BigInt(values.length), isLarge ? 4 : 1),
    ...names.map((id) => littleEndian(BigInt(id), idSize)),
    ...offsets.map((offset) => littleEndian(BigInt(offset), offsetSize)),
    ...places.map((place) => bytes[place]!),
  ]);
}

/** Where parts of these lengths begin, and where the last one ends. */
function offsetsOf(lengths: readonly number[]): readonly number[] {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets.at(-1)! + length);
  return offsets;
}

function sizeOf(number: number): number {
  return number < 2 ** 8 ? 1 : number < 2 ** 16 ? 2 : number < 2 ** 24 ? 3 : 4;
}
