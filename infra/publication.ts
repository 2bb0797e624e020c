/**
 * The app's code, as a resource of the stack: the hash of the package is kept in the state, and what precedes a change of it is the
 * publication. Where that fails the state keeps the old hash, so that the next `pulumi up` publishes again.
 */
import { getClientToken } from "@pulumi/azure-native/authorization/getClientToken.js";
import type { WebApp } from "@pulumi/azure-native/web/webApp.js";
import { log, ResourceHook, Stash, type Input, type Resource, type ResourceHookArgs } from "@pulumi/pulumi";
import { z } from "zod";
import { readZip, type Code } from "./code.ts";
import { publish } from "./one-deploy.ts";
import type { Place } from "./place.ts";

const inputsSchema = z.object({ input: z.object({ sha256: z.string(), publishUrl: z.url() }) });

/** Publishes the code where it, or the app's publishing host, is another than the last time, after the app and its settings: each of them starts it anew. */
export function publishCode(
  { options }: Place,
  app: WebApp,
  code: Code,
  { publishUrl, settled }: { readonly publishUrl: Input<string>; readonly settled: Resource },
): void {
  const publishes = new ResourceHook("code-is-published", (args) => publishFor(args, app, code));
  new Stash(
    "app/code",
    { input: { sha256: code.sha256, publishUrl } },
    { ...options, dependsOn: [app, settled], hooks: { beforeCreate: [publishes], beforeUpdate: [publishes] } },
  );
}

async function publishFor({ newInputs }: ResourceHookArgs, app: WebApp, code: Code): Promise<void> {
  const { publishUrl } = inputsSchema.parse(newInputs).input;
  await publish({
    url: publishUrl,
    zip: readZip(code.path),
    // Whoever Pulumi is logged in as; the token stays in this process.
    token: async () => (await getClientToken()).token,
    say: (progress) => void log.info(progress, app),
  });
}
