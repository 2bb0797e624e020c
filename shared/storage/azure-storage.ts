import { BlobServiceClient, type AnonymousCredential, type StorageSharedKeyCredential } from "@azure/storage-blob";
import { AzureBlobStore } from "./blob-store.ts";
import type { ObjectStore } from "./object-store.ts";

/** Taken from the client's property: of its constructors a type would be the last one's, which takes no credential. */
type TokenCredential = Exclude<BlobServiceClient["credential"], StorageSharedKeyCredential | AnonymousCredential>;

/** Which storage account, and who asks. */
export interface AzureStorageOptions {
  /** `https://<account>.blob.core.windows.net`. */
  readonly url: string;
  /** Of Entra ID, such as `new DefaultAzureCredential()` of @azure/identity. */
  readonly credential: TokenCredential;
}

/** A storage account, flat or hierarchical: the table at `container/folder/table`. Containers must exist. */
export function azureStorage({ url, credential }: AzureStorageOptions): ObjectStore {
  return new AzureBlobStore(new BlobServiceClient(url, credential));
}
