/** Z85, ZeroMQ's Base85: four bytes are five characters, none of which JSON escapes (PROTOCOL.md § Deletion Vector Descriptor Schema). */

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const digits: ReadonlyMap<string, number> = new Map(Array.from(alphabet, (character, digit) => [character, digit]));
const bytesPerGroup = 4;
const charactersPerGroup = 5;

/** The characters of some bytes; zeros fill up the last group of four. */
export function encodeZ85(bytes: Uint8Array): string {
  const padded = new DataView(new ArrayBuffer(Math.ceil(bytes.length / bytesPerGroup) * bytesPerGroup));
  new Uint8Array(padded.buffer).set(bytes);
  let text = "";
  for (let at = 0; at < padded.byteLength; at += bytesPerGroup) {
    let value = padded.getUint32(at);
    let group = "";
    for (let i = 0; i < charactersPerGroup; i++) {
      group = alphabet.charAt(value % 85) + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}

/** The bytes of some characters; undefined for a text that is not Z85. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % charactersPerGroup !== 0) return undefined;
  const bytes = new DataView(new ArrayBuffer((text.length / charactersPerGroup) * bytesPerGroup));
  for (let at = 0; at < bytes.byteLength; at += bytesPerGroup) {
    const start = (at / bytesPerGroup) * charactersPerGroup;
    let value = 0;
    for (const character of text.slice(start, start + charactersPerGroup)) {
      const digit = digits.get(character);
      if (digit === undefined) return undefined;
      value = value * 85 + digit;
    }
    if (value > 0xff_ff_ff_ff) return undefined;
    bytes.setUint32(at, value);
  }
  return new Uint8Array(bytes.buffer);
}
