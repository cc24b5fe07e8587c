export const HOLD_KINDS = ['open transaction', 'prepared transaction', 'table lock'] as const;

/** Who keeps rows from being captured: by holding the late-commit horizon back, or by a lock under which nobody can read. */
export interface Hold {
  kind: (typeof HOLD_KINDS)[number];
  /** For a person: `pid 4711, role app, application "importer", idle in transaction`. */
  who: string;
  /** UTC, when the transaction began (an open one) or was prepared. */
  since: string;
  /** The statement that ends it; absent from a workflow of an earlier version, and where there is none. */
  mend?: string;
}

/** Somebody has locked the orders table, or is about to, for longer than is worth waiting in silence. A transient error. */
export class TableLocked extends Error {
  constructor(
    message: string,
    readonly hold: Hold,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'TableLocked';
  }
}
