import { InvalidArgumentError } from "commander";

/** A count or a version among the arguments. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("Use a whole number from 0 on.");
  return value;
}
