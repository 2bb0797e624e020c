/** Kinds of settings. Pulumi hands every setting over as text, lists as JSON. */
import { z } from "zod";

/** A whole number from one to another, both included. */
export function wholeNumber(from: number, to: number) {
  const problem = `it has to be a whole number from ${from} to ${to}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, problem)
    .transform(Number)
    .pipe(z.number().min(from, problem).max(to, problem));
}

/** One of several words, spelled as they are. */
export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, `it has to be one of ${words.join(", ")}`);
}

/** `true` or `false`. */
export const flag = z.enum(["true", "false"], "it has to be true or false").transform((text) => text === "true");

/** The id of a resource of a type that exists already. */
export function resourceId(type: string) {
  const pattern = new RegExp(
    `^/subscriptions/[0-9a-f-]{36}/resourceGroups/([\\w.()-]{1,90})/providers/${type.replaceAll(".", "\\.")}/([\\w-]{3,63})$`,
    "i",
  );
  return z
    .string()
    .regex(
      pattern,
      `it has to be the id of a resource: /subscriptions/<id>/resourceGroups/<group>/providers/${type}/<name>`,
    );
}

/** Each is also the name of its receiver, which Azure wants to be one of a kind in whatever case. */
const listOfEmails = z
  .array(z.email())
  .min(1)
  .max(10)
  .refine((list) => new Set(list.map((each) => each.toLowerCase())).size === list.length);

/** Addresses of mail: a list in YAML, which Pulumi hands over as JSON, or one text with commas. */
export const emails = z.string().transform((text, context) => {
  const parsed = listOfEmails.safeParse(listOf(text));
  if (parsed.success) return parsed.data;
  context.addIssue("it has to be 1 to 10 mail addresses, each once: a list, or one text with commas between them");
  return z.NEVER;
});

function listOf(text: string): unknown {
  if (!text.trimStart().startsWith("[")) return text.split(",").map((each) => each.trim());
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
