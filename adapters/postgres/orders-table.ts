/** The table as statements are built for it. Each of them looks at it anew, in its own snapshot. */
import { DatabaseError } from 'pg';
import type { Settings } from '../../configs/schema';
import { captureFrom } from '../../domain/data-loss';
import { NonRetryableError } from '../../domain/errors';
import { decodeSource, describeSource, sourceDifference, type SourceIdentity } from '../../domain/source-id';
import type { Watermark } from '../../domain/watermark';
import type { Log } from '../../ports';
import { inspectTable, type Inspected, type Queries } from './check';
import { refuseMoved } from './moments';
import type { TableShape } from './sql';

/** What capture knows of its source, and the last row it captured from there. */
export interface Known {
  sourceId?: string | undefined;
  at: Watermark;
}

/** Changes in a row that a statement may run into before it is transient. */
const MOST_CHANGES = 5;

export class OrdersTable {
  #inspected: Inspected | undefined;
  /** The pair of identities that was found to be one source last, so that it is asked about once. */
  #same: string | undefined;

  constructor(
    private readonly pool: Queries,
    private readonly settings: Settings['postgres'],
    private readonly log: Log,
  ) {}

  /** The last look at all of it, if there was one. */
  get inspected(): Inspected | undefined {
    return this.#inspected;
  }

  async shape(): Promise<TableShape> {
    return (this.#inspected ?? (await this.inspect())).shape;
  }

  async inspect(known?: string): Promise<Inspected> {
    try {
      return (this.#inspected = await inspectTable(this.pool, this.settings));
    } catch (error) {
      this.#inspected = undefined;
      throw error instanceof NonRetryableError ? await this.#withNewName(error, known) : error;
    }
  }

  /**
   * Runs a statement that is built from the table's shape and tells how the table looked in its snapshot. Where that is not
   * as the shape has it, its answer is thrown away, and it is built and run again: so a change that does no harm is taken over,
   * and any other is a NonRetryableError before a row is used.
   */
  async run<T extends { look: string }>(
    statement: (shape: TableShape) => Promise<T>,
    known?: Known,
  ): Promise<T> {
    for (let changes = 0; ; changes += 1) {
      const inspected = this.#inspected ?? (await this.inspect(known?.sourceId));
      const answer = await statement(inspected.shape).catch((error: unknown) => {
        if (changes === MOST_CHANGES || !mayBeChanged(error)) throw error;
        return undefined;
      });
      if (answer?.look === inspected.shape.fingerprint) {
        if (known !== undefined) await this.#refuseOther(inspected, known);
        return answer;
      }
      if (changes === MOST_CHANGES)
        throw new Error(`table ${inspected.shape.name} is being changed all the time`);
      this.log.info('the table has changed: it is looked at anew', { table: inspected.shape.name });
      this.#inspected = undefined;
    }
  }

  /** NonRetryableError CaptureConflict or SchemaMismatch where it is not the source that capture knows. */
  async #refuseOther({ sourceId, shape }: Inspected, { sourceId: before, at }: Known): Promise<void> {
    if (before === undefined || before === sourceId) return;
    const pair = `${before}\n${sourceId}`;
    if (pair === this.#same) return;
    const known = decodeSource(before);
    const found = decodeSource(sourceId)!;
    switch (known && sourceDifference(known, found)) {
      case 'database':
        throw otherDatabase(known!, found, at);
      case 'table':
        throw await this.#otherTable(known!, found, at);
      case 'createdAt':
        await refuseMoved(this.pool, shape, { known: known!, found, at });
    }
    this.#same = pair;
  }

  async #otherTable(known: SourceIdentity, found: SourceIdentity, at: Watermark): Promise<NonRetryableError> {
    const now = await this.#nameOf(known.tableOid);
    const before =
      now === undefined ? 'that one is gone' : `that one is ${now} now (postgres.table leads back to it)`;
    return new NonRetryableError(
      'SchemaMismatch',
      `${describeSource(found)} is another table than ${describeSource(known)}, from which capture read until ` +
        `${at.createdAt}; ${before}. Rows of the new one at earlier places would never be captured. Capture it from its beginning; ` +
        `orders with the id and the date of one that has landed are repeats, and are dropped: ` +
        `${captureFrom({ createdAt: '0001-01-01T00:00:00Z', orderId: '0' })} or, if it holds the same orders, go on ` +
        `from where capture is: ${captureFrom(at)}`,
    );
  }

  /** Where the table is not there by its name, the one that capture knows may have another now. */
  async #withNewName(error: NonRetryableError, known: string | undefined): Promise<NonRetryableError> {
    const source = known === undefined ? undefined : decodeSource(known);
    if (error.type !== 'SchemaMismatch' || source === undefined) return error;
    const now = await this.#nameOf(source.tableOid).catch(() => undefined);
    if (now === undefined || now === source.table) return error;
    return new NonRetryableError(
      error.type,
      `${error.message} The table that capture read, ${source.table}, is ${now} now: set postgres.table to ${now} to go on with it.`,
    );
  }

  async #nameOf(oid: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ name: string }>(
      `SELECT format('%I.%I', n.nspname, c.relname) AS name
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
      [oid],
    );
    return rows[0]?.name;
  }
}

function otherDatabase(known: SourceIdentity, found: SourceIdentity, at: Watermark): NonRetryableError {
  return new NonRetryableError(
    'CaptureConflict',
    `This capture has read ${describeSource(known)} until ${at.createdAt}, and is asked to go on with ${describeSource(found)}: ` +
      `another database. Point the workers back (postgres.host, postgres.port and postgres.db). If the database was moved on ` +
      `purpose (upgrade, restore), go on from where capture is: ${captureFrom(at)}`,
  );
}

/**
 * Syntax errors and access rule violations (class 42) are what a statement meets that was built for another table; so is "object
 * not in prerequisite state" (55000).
 */
function mayBeChanged(error: unknown): boolean {
  return error instanceof DatabaseError && /^42|^55000$/.test(error.code ?? '');
}
