import { DyneError } from "../../shared/core/index.ts";

/** Application settings by name: what the real host takes from the environment. */
export type Settings = Readonly<Record<string, string>>;

/** The connection string that a binding's `connection` names, looked up as the real host does. */
export function connectionSetting(settings: Settings, name: string, functionName: string): string {
  const value = settings[name] ?? settings[`AzureWebJobs${name}`];
  if (value === undefined) {
    throw new DyneError(
      "INVALID_SETTING",
      `Function "${functionName}" uses the connection "${name}", but no setting of that name holds a connection string.`,
    );
  }
  return value;
}

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
