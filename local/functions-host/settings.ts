import { DyneError } from "../../shared/core/index.ts";

/** Application settings by name: what the real host takes from the environment. */
export type Settings = Readonly<Record<string, string>>;

/** Replaces every `%NAME%` of a binding's property by the setting of that name. */
export function resolveSettings(text: string, settings: Settings, functionName: string): string {
  return text.replaceAll(/%([^%]+)%/g, (_, name: string) => {
    const value = settings[name];
    if (value === undefined) {
      throw new DyneError(
        "INVALID_SETTING",
        `Function "${functionName}" refers to the setting "${name}", which is absent.`,
      );
    }
    return value;
  });
}
