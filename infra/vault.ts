/** The Key Vault for what cannot be an identity: secrets of systems outside Azure. Roles decide who reads it, and nobody can purge it. */
import { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import type { Place } from "./place.ts";

/** Makes an empty vault. */
export function makeVault(place: Place): Vault {
  return new Vault("vault", {
    ...place.located,
    vaultName: place.names.vault,
    properties: {
      tenantId: place.tenantId,
      sku: { family: "A", name: "standard" },
      enableRbacAuthorization: true,
      enableSoftDelete: true,
      softDeleteRetentionInDays: 90,
      enablePurgeProtection: true,
    },
  });
}
