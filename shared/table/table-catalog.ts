import type { DeltaLog } from "../delta/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { DeltaTable } from "./delta-table.ts";

/** What every table of a catalog shares. Without `checkpointReader`, tables whose oldest commits are gone cannot be opened. */
export type TableServices = Pick<DeltaLog, "clock" | "random" | "logger" | "checkpointReader" | "checkpointWriter">;

/** The tables of an instance, each opened once: what one flow has read of a log, the others need not read again. */
export class TableCatalog {
  readonly #stores: { readonly host: ObjectStore; readonly lake: ObjectStore };
  readonly #services: TableServices;
  readonly #tables = new Map<string, DeltaTable>();

  constructor(stores: { host: ObjectStore; lake: ObjectStore }, services: TableServices) {
    this.#stores = stores;
    const { clock, random, logger, checkpointReader, checkpointWriter } = services;
    this.#services = { clock, random, logger, checkpointReader, checkpointWriter };
  }

  /** The table at a path of an account; whether it exists is another question. */
  open(root: "host" | "lake", path: string): DeltaTable {
    const key = `${root}:${path}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = new DeltaTable({ ...this.#services, store: this.#stores[root], path });
      this.#tables.set(key, table);
    }
    return table;
  }
}
