import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { insertNow } from './orders-table';
import { messageOf } from './print';
import { sampleOrder } from '../orders/sample-order';

/** Orders of one transaction, at most: a till commits one, an importer a few. */
const LARGEST_TRANSACTION = 5;
/** An outage of the database may last so long before the demo gives up; `npm run stack -- up` takes seconds. */
const OUTAGE_MS = 60_000;

/** Inserts orders into PostgreSQL at a steady rate, until told to stop. */
export class LiveOrders {
  inserted = 0;
  /** The database's answer, while it refuses. */
  trouble: string | undefined;

  constructor(
    private readonly options: {
      pool: Pool;
      table: string;
      perSecond: number;
      /** Number of the first sample order. */
      first: number;
      /** Told of each transaction: its orders, and the moment before it was sent. */
      onInserted: (ids: readonly string[], sentAt: number) => void;
    },
  ) {}

  /** Ends soon after the signal, with no transaction open. */
  async run(signal: AbortSignal): Promise<void> {
    const { pool, table, perSecond, first, onInserted } = this.options;
    let begin = Date.now();
    let sent = 0;
    let failingSince: number | undefined;
    while (!signal.aborted) {
      const due = Math.floor(((Date.now() - begin) * perSecond) / 1000);
      if (due <= sent) {
        await sleep(20);
        continue;
      }
      const size = Math.min(due - sent, LARGEST_TRANSACTION);
      const orders = Array.from({ length: size }, (_, i) => sampleOrder(first + this.inserted + i));
      const sentAt = Date.now();
      try {
        onInserted(await insertNow(pool, table, orders), sentAt);
        this.inserted += size;
        sent += size;
        failingSince = undefined;
        this.trouble = undefined;
      } catch (error) {
        failingSince ??= sentAt;
        if (!isTransient(error) || Date.now() - failingSince > OUTAGE_MS) {
          throw new Error(`Orders cannot be inserted into ${table}: ${messageOf(error)}`, { cause: error });
        }
        this.trouble = `PostgreSQL takes no orders: ${messageOf(error)}`;
        await sleep(500);
        // What was not inserted meanwhile is not made up for.
        [begin, sent] = [Date.now(), 0];
      }
    }
  }
}

/** Connections that fail have a code of the system's or of PostgreSQL's classes 08 and 57, or none. */
function isTransient(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === undefined || /^(08|57|E[A-Z])/.test(code);
}
