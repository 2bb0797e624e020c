/** A process that starts the emulator, writes one blob, says so, and never stops it. */
import { BlobServiceClient } from "@azure/storage-blob";

import { ensureAzuriteLayout, startAzurite } from "../../../../local/azurite/index.ts";
import { silentLogger } from "../../../../shared/core/index.ts";

const azurite = await startAzurite({ directory: process.argv[2] ?? "", logger: silentLogger });
await ensureAzuriteLayout(azurite.connectionStrings);
const lake = BlobServiceClient.fromConnectionString(azurite.connectionStrings.lake).getContainerClient("lake");
await lake.getBlockBlobClient("written/last").upload("x", 1);
console.log(JSON.stringify({ pid: azurite.pid }));
