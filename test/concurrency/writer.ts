/**
 * A process of its own that works on shared tables, and says on stdout what it did, one JSON object per line:
 *
 *     node test/concurrency/writer.ts '{"connectionString":"…","tables":["a","b"],"writer":3,"writers":8,"operations":200}'
 */
import { BlobServiceClient } from "@azure/storage-blob";
import { AzureBlobStore } from "../../shared/storage/index.ts";
import { DeltaLake } from "../../shared/table/lake/index.ts";
import { Operations, rowSchema } from "./operation.ts";

export interface WriterOrders {
  readonly connectionString: string;
  /** Paths in the store. */
  readonly tables: readonly string[];
  readonly writer: number;
  readonly writers: number;
  /** In all tables together, in turn. */
  readonly operations: number;
}

const orders = JSON.parse(process.argv[2] ?? "{}") as WriterOrders;
const store = new AzureBlobStore(BlobServiceClient.fromConnectionString(orders.connectionString));
await using lake = await DeltaLake.open({ store, memoryLimitMb: 200, threads: 1, cacheBytes: 16 * 1024 * 1024 });
const works: { readonly name: string; readonly operations: Operations }[] = [];
for (const name of orders.tables) {
  const table = await lake.open(name, rowSchema);
  works.push({ name, operations: new Operations({ writer: orders.writer, writers: orders.writers, table, name }) });
}
for (let count = 0; count < orders.operations; count++) {
  const { name, operations } = works[count % works.length]!;
  const done = await operations.next();
  process.stdout.write(`${JSON.stringify({ table: name, done: done ?? null })}\n`);
}
