/** The Key Vault for what cannot be an identity: secrets of systems outside Azure. Roles decide who reads it; what is deleted can be brought back. */
import { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import {
  NetworkRuleAction,
  NetworkRuleBypassOptions,
  SkuFamily,
  SkuName,
} from "@pulumi/azure-native/types/enums/keyvault/index.js";
import type { Config } from "./config.ts";
import type { Place } from "./place.ts";

/** Makes an empty vault. With purge protection nobody can take a deleted secret away for good, and nobody can turn that off again. */
export function makeVault(
  place: Place,
  { purgeProtection, network }: Pick<Config, "purgeProtection" | "network">,
): Vault {
  return new Vault(
    "vault",
    {
      ...place.located,
      vaultName: place.names.vault,
      properties: {
        tenantId: place.tenantId,
        sku: { family: SkuFamily.A, name: SkuName.Standard },
        enableRbacAuthorization: true,
        enableSoftDelete: true,
        softDeleteRetentionInDays: 90,
        // Azure knows "on" and "not said": a vault that is told false is refused.
        ...(purgeProtection && { enablePurgeProtection: true }),
        ...(network && {
          publicNetworkAccess: "disabled",
          networkAcls: {
            defaultAction: NetworkRuleAction.Deny,
            bypass: NetworkRuleBypassOptions.AzureServices,
          },
        }),
      },
    },
    place.options,
  );
}
