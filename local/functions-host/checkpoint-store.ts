import type { BlobServiceClient, ContainerClient } from "@azure/storage-blob";

/** A position that a trigger has passed. */
export interface TriggerCheckpoint {
  readonly sequenceNumber: number;
  readonly offset: string;
}

/**
 * The trigger's own checkpoints, in the host's storage account: one empty blob per partition, the position in its
 * metadata.
 *
 *   azure-webjobs-eventhub / <namespace>/<hub>/<consumer group>/checkpoint/<partition>   { sequencenumber, offset }
 *
 * Source: github.com/Azure/azure-sdk-for-net, BlobCheckpointStoreInternal.
 */
export class TriggerCheckpointStore {
  readonly #container: ContainerClient;
  readonly #prefix: string;

  constructor(
    host: BlobServiceClient,
    place: { fullyQualifiedNamespace: string; eventHubName: string; consumerGroup: string },
  ) {
    this.#container = host.getContainerClient("azure-webjobs-eventhub");
    this.#prefix =
      `${place.fullyQualifiedNamespace}/${place.eventHubName}/${place.consumerGroup}/checkpoint/`.toLowerCase();
  }

  /** The last position of a partition, or nothing before the first. */
  async read(partitionId: string): Promise<TriggerCheckpoint | undefined> {
    try {
      const { metadata = {} } = await this.#container.getBlobClient(this.#prefix + partitionId).getProperties();
      const sequenceNumber = Number(metadata["sequencenumber"]);
      return Number.isSafeInteger(sequenceNumber) ? { sequenceNumber, offset: metadata["offset"] ?? "" } : undefined;
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return undefined;
      throw error;
    }
  }

  /** Moves a partition's position, wherever it was before. */
  async write(partitionId: string, checkpoint: TriggerCheckpoint): Promise<void> {
    const metadata = { sequencenumber: String(checkpoint.sequenceNumber), offset: checkpoint.offset };
    await this.#container.getBlockBlobClient(this.#prefix + partitionId).upload("", 0, { metadata });
  }

  /** Creates the container where it is missing. */
  async prepare(): Promise<void> {
    await this.#container.createIfNotExists();
  }
}
