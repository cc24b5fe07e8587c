/**
 * The table gets another shape, or is emptied. What is harmless is taken over; anything else stops capture before a row is
 * published, and goes on by the statement in the message, which is run as it stands there.
 */
import { insertOrders } from '../../dev/orders/insert-orders';
import { statementsIn } from '../adapters/postgres/source-shape-helpers';
import { sideBySide } from '../faults/side-by-side';
import { eventually, ORDERS_TABLE as T } from '../helpers/pipeline';
import { lanesOf, type Case, type Moment } from './cases';
import { orders } from '../../dev/oracle';
import { byStatements, sql } from './remedies';

const BOTH: readonly Moment[] = ['while idle', 'between poll and publish'];

const HARMLESS: Record<string, (n: number) => string> = {
  'a column is added': (n) => `ALTER TABLE ${T} ADD COLUMN extra_${n} text NOT NULL DEFAULT 'x'`,
  'columns change their order': () =>
    `ALTER TABLE ${T} ADD COLUMN later varchar(255); UPDATE ${T} SET later = item;
     ALTER TABLE ${T} DROP COLUMN item; ALTER TABLE ${T} RENAME COLUMN later TO item`,
  'NOT NULL is added': () => `ALTER TABLE ${T} ALTER item SET NOT NULL, ALTER created_at SET NOT NULL`,
  'defaults and comments change': (n) =>
    `ALTER TABLE ${T} ALTER created_at SET DEFAULT ${n % 2 === 0 ? 'CURRENT_TIMESTAMP(6)' : 'now()'}, ALTER order_status SET DEFAULT 'PLACED';
     COMMENT ON TABLE ${T} IS 'change ${n}'; COMMENT ON COLUMN ${T}.amount IS 'in cents?'`,
  'an index is added and others renamed': (n) =>
    `CREATE INDEX status_${n} ON ${T} (order_status); ALTER INDEX status_${n} RENAME TO by_status_${n};
     ALTER INDEX IF EXISTS "2025em1100102_orders_created_at_order_id_idx" RENAME TO place`,
  'ids and texts get wider types': () =>
    `ALTER TABLE ${T} ALTER order_id TYPE bigint, ALTER item TYPE text, ALTER amount TYPE numeric(14,2)`,
};

const harmless = (from: number, to: number, atOnce: Moment): Case[] => [
  ...Object.entries(HARMLESS)
    .slice(from, to)
    .map(([what, change]): Case => ({ what, moments: BOTH, change: sql(change) })),
  {
    what: 'all harmless changes at once',
    moments: [atOnce],
    change: sql((n) =>
      Object.values(HARMLESS)
        .map((change) => change(n))
        .join(';'),
    ),
  },
];

const IN_NEW_YORK = `SET LOCAL TimeZone = 'America/New_York'`;

/** Nothing is inserted until it is mended, where it cannot be. */
const nothing = () => Promise.resolve();

const refused: Case[] = [
  {
    what: 'a column is renamed',
    moments: ['while paused'],
    change: sql(`ALTER TABLE ${T} RENAME COLUMN item TO "Dish of the day"`),
    goOn: nothing,
    expect: { stopped: /item is missing/ },
    mend: byStatements,
  },
  {
    what: 'created_at becomes timestamptz in a session of another zone',
    moments: ['between poll and publish'],
    async change({ pipeline }) {
      await pipeline.pool.query(`ALTER DATABASE ${pipeline.name} SET TimeZone = 'America/New_York'`);
      await pipeline.pool.query(`${IN_NEW_YORK}; ALTER TABLE ${T} ALTER created_at TYPE timestamptz`);
    },
    expect: { stopped: /was timestamp\(6\)@UTC and is timestamptz\(6\): order \d+ was captured with/ },
    mend: byStatements,
  },
  {
    what: 'it becomes timestamp again in such a session',
    moments: ['after a restart'],
    change: sql(`${IN_NEW_YORK}; ALTER TABLE ${T} ALTER created_at TYPE timestamp`),
    goOn: nothing,
    expect: { stopped: /was timestamptz\(6\) and is timestamp\(6\)@UTC/ },
    mend: byStatements,
  },
  {
    what: 'amount becomes double precision',
    moments: ['between poll and publish'],
    change: sql(`ALTER TABLE ${T} ALTER amount TYPE double precision`),
    expect: { stopped: /amount is double precision, must be numeric/ },
    mend: byStatements,
  },
  {
    what: 'a column is dropped',
    moments: ['while idle'],
    change: sql(`ALTER TABLE ${T} DROP COLUMN item`),
    goOn: nothing,
    expect: { stopped: /item is missing/ },
    mend: byStatements,
  },
];

const emptied: Case[] = [
  { what: 'TRUNCATE', moments: BOTH, change: sql(`TRUNCATE ${T}`) },
  {
    what: 'TRUNCATE that begins the ids anew',
    moments: ['while idle'],
    change: sql(`TRUNCATE ${T} RESTART IDENTITY`),
    goOn: ({ pipeline }) => insertOrders(pipeline.pool, 1_000),
  },
  {
    what: 'the key is dropped',
    moments: ['between poll and publish'],
    change: sql(`ALTER TABLE ${T} DROP CONSTRAINT "2025em1100102_orders_pkey"`),
    async mend(harness) {
      const warned = await eventually(async () => {
        const { output } = await orders(harness, 'status');
        expect(output).toContain('has no index on order_id');
        return output;
      });
      for (const statement of statementsIn(warned)) await harness.pipeline.pool.query(statement);
      await eventually(async () =>
        expect((await orders(harness, 'status')).output).not.toContain('has no index on order_id'),
      );
    },
  },
];

sideBySide(
  [harmless(0, 3, 'while paused'), harmless(3, 6, 'after a restart'), refused, emptied].flatMap(lanesOf),
  400_000,
);
