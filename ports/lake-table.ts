/** The lake as a table of a table format, for readers that know no ledger. It is made of the ledger, and can be made anew. */
export interface LakeTable {
  /**
   * Lets the table hold what the ledger holds by now, as one snapshot; nothing is committed where it does already.
   * Idempotency key: the ledger's last entry, which the table holds as a property of the same commit.
   */
  publish(): Promise<Published>;

  /** Takes snapshots away that are older than the retention, and the files that only they named. May be repeated. */
  expire(): Promise<Expired>;
}

export interface Published {
  /** Entries of the ledger: the table held those up to `from`, and holds now those up to `to`. */
  from: number;
  to: number;
  /** Files, and the rows in them. */
  added: number;
  removed: number;
  addedRows: number;
  removedRows: number;
  /** Dates that were published whole, since other writers had rewritten files of theirs that the ledger has merged or replaced. */
  again: string[];
}

export interface Expired {
  snapshots: number;
  /** Files of metadata and data that were removed. */
  files: number;
}
