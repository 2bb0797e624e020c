import { DyneError, isDyneError } from "../../core/index.ts";

/** What a text of a table means; where it is not understood, the error says which text that is, and keeps its code. */
export function understood<Meaning>(what: string, read: () => Meaning): Meaning {
  try {
    return read();
  } catch (cause) {
    if (!isDyneError(cause)) throw cause;
    throw new DyneError(cause.code, `${what} is not understood: ${cause.message}`, { cause, details: cause.details });
  }
}
