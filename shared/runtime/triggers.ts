/** What the functions register, told from the manifests of the pipelines. */
import { manifest, type Manifest, type Pipeline } from "../pipeline/index.ts";

type Trigger = Manifest["functions"][number]["trigger"];
type TriggerOf<Kind extends Trigger["kind"]> = Extract<Trigger, { kind: Kind }> & { readonly name: string };

/** The functions of one kind of trigger over all pipelines, each name once. */
export function functionsOf<Kind extends Trigger["kind"]>(
  pipelines: readonly Pipeline[],
  kind: Kind,
): readonly TriggerOf<Kind>[] {
  const found = new Map<string, TriggerOf<Kind>>();
  for (const pipeline of pipelines) {
    for (const { name, trigger } of manifest(pipeline).functions) {
      if (trigger.kind === kind) found.set(name, { name, ...trigger } as TriggerOf<Kind>);
    }
  }
  return [...found.values()];
}

/** The cron expression of a schedule by its name. */
export function scheduleOf(pipelines: readonly Pipeline[], name: string): string {
  const schedule = pipelines
    .flatMap((pipeline) => manifest(pipeline).schedules)
    .find((candidate) => candidate.name === name);
  return schedule?.cron ?? "0 * * * * *";
}
