/** One instance of the Flex Consumption plan: its size, and what of it DuckDB and its cache may take. */

export const instance = {
  memoryMb: 2_048,
  /** What an instance of that memory comes with. */
  cores: 1,
  /** The rest is for Node.js, the payload of a batch and the Functions host. */
  duckDbMemoryMb: 512,
  /** An instance has 800 MB of disk, which spilled rows and files on their way up share. */
  cacheMb: 500,
} as const;
