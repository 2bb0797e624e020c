/**
 * The names of a variant's fields (Parquet's VariantEncoding.md § Metadata encoding): a dictionary that its objects refer to by number.
 *
 *     header (1 byte) | size (n) | size + 1 offsets (n each) | the names in UTF-8
 *
 * with n from 1 to 4 in the header's two highest bits, the version in its four lowest, and numbers little-endian.
 */
import { brokenVariant, textIn, uintAt } from "./variant-bytes.ts";

export interface VariantNames {
  /** A name by its number, as JSON text with quotes. Throws DATA_ERROR for a number that the dictionary does not have. */
  name(index: number): string;
}

const version = 1;

/** Throws DATA_ERROR for bytes that are no such dictionary. Names are looked at when they are asked for. */
export function variantNames(metadata: Uint8Array): VariantNames {
  const [header] = metadata;
  if (header === undefined) throw brokenVariant("its metadata is empty");
  if ((header & 0x0f) !== version) throw brokenVariant(`its metadata is of version ${header & 0x0f}, not ${version}`);
  const size = (header >> 6) + 1;
  const count = uintAt(metadata, 1, size, metadata.length);
  const offsetsAt = 1 + size;
  const namesAt = offsetsAt + (count + 1) * size;
  if (namesAt > metadata.length) throw brokenVariant(`its metadata is too short for ${count} names`);
  const known: string[] = [];
  return {
    name(index) {
      let text = known[index];
      if (text !== undefined) return text;
      if (index >= count) throw brokenVariant(`a field has the name ${index} of ${count}`);
      const start = namesAt + uintAt(metadata, offsetsAt + index * size, size, namesAt);
      const end = namesAt + uintAt(metadata, offsetsAt + (index + 1) * size, size, namesAt);
      if (end < start || end > metadata.length) throw brokenVariant(`the name ${index} is not within its metadata`);
      text = JSON.stringify(textIn(metadata, start, end));
      known[index] = text;
      return text;
    },
  };
}
