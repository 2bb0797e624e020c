import { RestError } from "@azure/storage-blob";
import { describe, expect, test } from "vitest";
import { DyneError } from "../../../shared/core/index.ts";
import { blobError, isLostRace } from "../../../shared/storage/blob-errors.ts";

describe("answers of the storage service", () => {
  test.each([
    [409, "BlobAlreadyExists", true],
    [412, "ConditionNotMet", true],
    [412, "LeaseIdMissing", true],
    [409, "LeaseAlreadyPresent", true],
    [409, "ContainerBeingDeleted", false],
    [403, "AuthorizationFailure", false],
    [503, "ServerBusy", false],
  ])("%i %s: a lost race is %s", (statusCode, code, lost) => {
    expect(isLostRace(new RestError("x", { statusCode, code }))).toBe(lost);
  });

  test.each([
    [401, "NoAuthenticationInformation", "STORAGE_DENIED"],
    [403, "AuthorizationPermissionMismatch", "STORAGE_DENIED"],
    [404, "ContainerNotFound", "STORAGE_DENIED"],
    [400, "InvalidInput", "STORAGE_DENIED"],
    [408, "RequestTimeout", "STORAGE_UNAVAILABLE"],
    [409, "ContainerBeingDeleted", "STORAGE_UNAVAILABLE"],
    [429, "TooManyRequests", "STORAGE_UNAVAILABLE"],
    [500, "InternalError", "STORAGE_UNAVAILABLE"],
    [503, "ServerBusy", "STORAGE_UNAVAILABLE"],
    [undefined, "ECONNREFUSED", "STORAGE_UNAVAILABLE"],
    [undefined, "REQUEST_SEND_ERROR", "STORAGE_UNAVAILABLE"],
  ])("%s %s becomes %3$s", (statusCode, code, expected) => {
    const error = new RestError("x", { code, ...(statusCode !== undefined && { statusCode }) });
    expect(blobError("lake/a", error)).toMatchObject({ code: expected, cause: error });
  });

  test("what the service says only in a header, because there is no body, is understood as well", () => {
    const error = Object.assign(new RestError("x", { statusCode: 409 }), {
      details: { errorCode: "ContainerBeingDeleted" },
    });
    expect(isLostRace(error)).toBe(false);
    expect(blobError("lake/a", error).message).toContain("ContainerBeingDeleted");
  });

  test.each([401, 403])("after %i the message names the role", (statusCode) => {
    const error = new RestError("x", { statusCode, code: "AuthorizationPermissionMismatch" });
    expect(blobError("lake/a", error).message).toContain("Storage Blob Data Contributor");
  });

  test("an identity that has no token says so itself; one that has none just now leaves open what storage has done", () => {
    const denied = new DyneError("IDENTITY_DENIED", "Set AZURE_CLIENT_ID.");
    expect(blobError("lake/a", denied)).toBe(denied);
    const cause = new DyneError("IDENTITY_UNAVAILABLE", "There is no token now.");
    expect(blobError("lake/a", cause)).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      message: expect.stringContaining("no token now"),
      cause,
    });
  });

  test("an identity without a token is denied, not waited for", () => {
    const error = Object.assign(new Error("no token"), { name: "CredentialUnavailableError" });
    expect(blobError("lake/a", error).code).toBe("STORAGE_DENIED");
  });
});
