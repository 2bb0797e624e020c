/**
 * What somebody else says, a library or another error, as a sentence that more may follow: with a full stop, where it has no mark at its end.
 *
 *     "getaddrinfo ENOTFOUND host"  →  "getaddrinfo ENOTFOUND host."        "It is gone. Try again."  →  as it is
 */
export function sentence(said: unknown): string {
  const text = (said instanceof Error ? said.message : String(said)).trimEnd();
  if (text === "") return "It gave no reason.";
  return /[.!?…]["')\]]?$/.test(text) ? text : `${text.replace(/[,;:]$/, "")}.`;
}
