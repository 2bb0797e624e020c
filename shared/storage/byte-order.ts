/** The code units of which two make a character beyond the basic plane. */
const surrogate = /[\ud800-\udfff]/;

/**
 * Compares two texts by their UTF-8 bytes, which is the order of object listings and of Delta's statistics.
 * It differs from `<` only where one text has a surrogate pair: those code points come after all others.
 */
export function compareUtf8(a: string, b: string): number {
  if (!surrogate.test(a) && !surrogate.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Lifts surrogates above the rest of the basic plane, as their code points are. */
function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}
