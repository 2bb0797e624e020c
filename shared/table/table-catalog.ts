import type { Clock, Logger, Random } from "../core/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { DeltaTable } from "./delta-table.ts";

/** The tables of an instance, each opened once: what one flow has read of a log, the others need not read again. */
export class TableCatalog {
  readonly #stores: { readonly host: ObjectStore; readonly lake: ObjectStore };
  readonly #services: { readonly clock: Clock; readonly random: Random; readonly logger: Logger };
  readonly #tables = new Map<string, DeltaTable>();

  constructor(
    stores: { host: ObjectStore; lake: ObjectStore },
    services: { clock: Clock; random: Random; logger: Logger },
  ) {
    this.#stores = stores;
    this.#services = services;
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
