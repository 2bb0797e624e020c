/**
 * True for a name that no column can have, whoever made it: an empty one, one that dyne uses itself within queries (`__dyne…`), one that
 * objects have besides their fields (`__proto__`), and one that is not all text.
 */
export function isImpossibleName(name: string): boolean {
  return (
    name === "" ||
    name === "__proto__" ||
    name.includes("\0") ||
    !name.isWellFormed() ||
    name.toLowerCase().startsWith("__dyne")
  );
}
