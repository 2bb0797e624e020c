/** The app's one identity, and what to do where it has none. */
import {
  DefaultAzureCredential,
  ManagedIdentityCredential,
  type AccessToken,
  type GetTokenOptions,
  type TokenCredential,
} from "@azure/identity";
import { DyneError, sentence } from "../core/index.ts";

/**
 * The user-assigned identity with a client id; without one, whatever the default credential finds: the app's own identity in Azure, the
 * signed-in developer elsewhere. The SDK keeps tokens and renews them; nothing is asked for here before the first call.
 *
 * Its `getToken` throws IDENTITY_DENIED (set something) or IDENTITY_UNAVAILABLE (a retry is safe).
 */
export function credentialOf(clientId: string | undefined): TokenCredential {
  const inner = clientId === undefined ? new DefaultAzureCredential() : new ManagedIdentityCredential({ clientId });
  return {
    async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
      try {
        return await inner.getToken(scopes, options);
      } catch (cause) {
        if (options?.abortSignal?.aborted) throw cause;
        throw identityError([scopes].flat().join(" "), clientId, cause);
      }
    },
  };
}

function identityError(scopes: string, clientId: string | undefined, cause: unknown): DyneError {
  const [reason = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  const details = { scopes, clientId };
  if (isOutage(cause)) {
    return new DyneError(
      "IDENTITY_UNAVAILABLE",
      `There is no token for ${scopes} now: the identity endpoint does not answer (${reason}). Try again; where it stays so, check that the ` +
        "app has the identity that AZURE_CLIENT_ID names.",
      { cause, details },
    );
  }
  const remedy =
    clientId === undefined
      ? "In Azure, give the app an identity and set AZURE_CLIENT_ID to its client id; on a developer's machine, sign in with `az login`."
      : `Assign the identity ${clientId} to the app, or set AZURE_CLIENT_ID to one that is.`;
  return new DyneError("IDENTITY_DENIED", `There is no token for ${scopes}: ${sentence(reason)} ${remedy}`, {
    cause,
    details,
  });
}

/**
 * True where the endpoint failed, rather than said no. The libraries have one error for both; what happened is in its cause. That several kinds
 * of identity were looked for in vain is no outage: not to answer is how those that there are not say so.
 */
function isOutage(error: unknown): boolean {
  const { cause } = error as { readonly cause?: unknown };
  if (!(cause instanceof Error)) return false;
  const { errorCode, status } = cause as { readonly errorCode?: unknown; readonly status?: unknown };
  return (
    errorCode === "network_error" || (typeof status === "number" && (status >= 500 || status === 429 || status === 408))
  );
}
