import { z } from "zod";

import { DyneError } from "../../shared/core/index.ts";
import type { TriggerContext } from "./listener.ts";

/** Reads a trigger's binding. Errors: `INVALID_SETTING`, naming the function and the property. */
export function parseBinding<Schema extends z.ZodType>(schema: Schema, context: TriggerContext): z.output<Schema> {
  const parsed = schema.safeParse(context.binding);
  if (parsed.success) return parsed.data;
  throw new DyneError(
    "INVALID_SETTING",
    `The trigger of function "${context.functionName}" is not valid: ${z.prettifyError(parsed.error)}`,
  );
}
