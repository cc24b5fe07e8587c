/** Where a table's newest metadata is kept. */
import type { TableMetadata } from '../metadata';

export interface LoadedTable {
  metadata: TableMetadata;
  /** Of the metadata file, as the table's next one tells it. */
  location: string;
}

export interface Catalog {
  /** For people: what the table is found by. */
  readonly name: string;

  /** The table as it is now; `undefined` where there is none. */
  load(): Promise<LoadedTable | undefined>;

  /**
   * Makes `next` the table's metadata if `base` still is it, or if there is no table and no base. `false` where another writer was faster.
   * Throws where that is not known: the table may have either then, so load it and look.
   */
  commit(base: LoadedTable | undefined, next: TableMetadata): Promise<boolean>;
}
