/** One instance of the Flex Consumption plan by its memory: what it comes with, and what of it DuckDB and its cache may take. */

export interface Instance {
  readonly memoryMb: 512 | 2048 | 4096;
  /** Of DuckDB; a quarter of a core is one thread. */
  readonly threads: number;
  /** The rest is for Node.js, the payload of a batch and the Functions host. */
  readonly duckDbMemoryMb: number;
  /** An instance has 800 MB of disk, whatever its memory, which spilled rows and files on their way up share. */
  readonly cacheMb: number;
}

const instances: Readonly<Record<Instance["memoryMb"], Omit<Instance, "memoryMb">>> = {
  512: { threads: 1, duckDbMemoryMb: 160, cacheMb: 500 },
  2048: { threads: 1, duckDbMemoryMb: 512, cacheMb: 500 },
  4096: { threads: 2, duckDbMemoryMb: 1_536, cacheMb: 500 },
};

/** An instance of a size that the plan has. */
export function instanceOf(memoryMb: Instance["memoryMb"]): Instance {
  return { memoryMb, ...instances[memoryMb] };
}
