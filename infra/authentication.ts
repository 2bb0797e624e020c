/**
 * App Service authentication in front of the app: requests without a valid token of the tenant do not start an instance. The app checks
 * everything again, and the roles too.
 */
import type { WebApp } from "@pulumi/azure-native/web/webApp.js";
import { WebAppAuthSettingsV2 } from "@pulumi/azure-native/web/webAppAuthSettingsV2.js";
import { UnauthenticatedClientActionV2 } from "@pulumi/azure-native/types/enums/web/index.js";
import type { Resource } from "@pulumi/pulumi";
import type { Place } from "./place.ts";

/** Lets only tokens in that the tenant made out to the audience, after another setting. No secret is involved, because nobody signs in here. */
export function requireTokens(
  { within, options, tenantId }: Place,
  app: WebApp,
  { clientId, audience }: { readonly clientId: string; readonly audience: string },
  after: Resource,
): Resource {
  return new WebAppAuthSettingsV2(
    "app/authentication",
    {
      ...within,
      name: app.name,
      platform: { enabled: true },
      httpSettings: { requireHttps: true },
      globalValidation: {
        requireAuthentication: true,
        unauthenticatedClientAction: UnauthenticatedClientActionV2.Return401,
        // Probes have no token. What they may see, the app decides.
        excludedPaths: ["/api/health/live"],
      },
      identityProviders: {
        azureActiveDirectory: {
          enabled: true,
          registration: { clientId, openIdIssuer: `https://login.microsoftonline.com/${tenantId}/v2.0` },
          validation: { allowedAudiences: [audience] },
        },
      },
      login: { tokenStore: { enabled: false } },
    },
    { ...options, dependsOn: [after] },
  );
}
