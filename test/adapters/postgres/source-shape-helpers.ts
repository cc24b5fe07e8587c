/** A table that is captured, changed and captured on, at different moments; the orders' moments are known beforehand. */
import type { Pool } from 'pg';
import type { OrdersSource } from '../../../ports';
import { createOrdersSource } from '../../../adapters/postgres';
import type { Settings } from '../../../configs/schema';
import { formatTimestamp, parseTimestamp, watermarkFrom, type Watermark } from '../../../domain/watermark';
import { ORDERS_TABLE } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

export const MOMENTS = ['while running', 'between poll and publish', 'after a restart'] as const;
export type Moment = (typeof MOMENTS)[number];

const FIRST = parseTimestamp('2025-11-18T10:00:00.123000Z')!;
const never = new AbortController().signal;

export class CapturedTable {
  /** order_id (or null) and created_at of each order that was made. */
  readonly made: [string | null, string][] = [];
  readonly captured: [string | null, string][] = [];
  known: string | undefined;
  at: Watermark = watermarkFrom({ createdAt: '0001-01-01T00:00:00Z' });
  #source: OrdersSource;
  #orders = 0;

  constructor(
    private readonly pool: Pool,
    private settings: Pick<Settings, 'postgres' | 'cdc'>,
  ) {
    this.#source = createOrdersSource(settings, SILENT);
  }

  get source(): OrdersSource {
    return this.#source;
  }

  async restart(postgres: Partial<Settings['postgres']> = {}): Promise<void> {
    await this.#source.close();
    this.settings = { ...this.settings, postgres: { ...this.settings.postgres, ...postgres } };
    this.#source = createOrdersSource(this.settings, SILENT);
  }

  /** Orders a second apart, after those made before; into a table that still has the columns. */
  async insert(orders = 3, values: Record<string, string> = {}, into = ORDERS_TABLE): Promise<void> {
    for (let n = 0; n < orders; n++) {
      const at = formatTimestamp(FIRST + BigInt(this.#orders++) * 1_000_000n);
      const { rows: types } = await this.pool.query<{ type: string }>(
        `SELECT format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'created_at'`,
        [into],
      );
      const created = types[0]!.type.includes('without')
        ? `'${at}'::timestamptz AT TIME ZONE 'UTC'`
        : `'${at}'`;
      const all = {
        customer_name: `'a'`,
        restaurant_name: `'b'`,
        item: `'c'`,
        amount: '1.50',
        order_status: `'PLACED'`,
        created_at: created,
        ...values,
      };
      const { rows } = await this.pool.query<{ id: string | null }>(
        `INSERT INTO ${into} (${Object.keys(all).join(', ')}) VALUES (${Object.values(all).join(', ')})
         RETURNING order_id::text AS id`,
      );
      this.made.push([rows[0]!.id, at]);
    }
  }

  /** A poll; the place it comes to. */
  async poll(): Promise<Watermark | undefined> {
    const before = '2026-01-01T00:00:00.000000Z';
    const found = await this.#source.nextWindow({
      after: this.at,
      before,
      limit: 1000,
      sourceId: this.known,
    });
    this.known = this.#source.inspected()?.sourceId;
    return found?.upper;
  }

  async publish(upper: Watermark): Promise<void> {
    const rows: [string | null, string][] = [];
    const window = { lower: this.at, upper };
    for await (const chunk of this.#source.read(window, { signal: never, sourceId: this.known })) {
      for (const { value } of chunk) {
        const row = JSON.parse(String(value)) as { order_id: number | null; created_at: string };
        rows.push([row.order_id === null ? null : String(row.order_id), row.created_at]);
      }
    }
    this.captured.push(...rows);
    this.at = upper;
  }

  async capture(): Promise<void> {
    const upper = await this.poll();
    if (upper !== undefined) await this.publish(upper);
  }

  /** Captures some, makes the change at the moment, and goes on; fails where capture refuses. */
  async through(moment: Moment, change: () => Promise<unknown>): Promise<void> {
    await this.insert();
    await this.capture();
    if (moment === 'between poll and publish') {
      await this.insert();
      const upper = (await this.poll())!;
      await change();
      await this.publish(upper);
    } else {
      await change();
      if (moment === 'after a restart') await this.restart();
    }
    await this.capture();
  }

  async expectAll(): Promise<void> {
    await this.capture();
    expect(this.captured).toEqual(this.made);
  }

  async close(): Promise<void> {
    await this.#source.close();
  }
}

/** The statements of a message, as they stand there. */
export function statementsIn(message: string): string[] {
  return [...message.matchAll(/(?:ALTER|DROP|CREATE|UPDATE) [^;]+;/g)].map(([statement]) => statement);
}

/** Where a command of a message resets the watermark to. */
export function placesIn(message: string): Watermark[] {
  return [...message.matchAll(/--signal-input '([^']+)'/g)].map(([, json]) =>
    watermarkFrom(JSON.parse(json!) as { createdAt: string; orderId: string }),
  );
}
