/** key-vault: a vault for secrets on loopback, which checks tokens as the real one does. */
export {
  startKeyVault,
  type KeyVault,
  type KeyVaultOptions,
  type SecretRight,
  type VaultFault,
  type VaultRequest,
} from "./key-vault.ts";
