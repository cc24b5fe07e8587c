/** Each change of docs/source-changes.md that is taken over, and each that is refused with the statement that mends it. */
import { LastingFailure } from '../../../domain/errors';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../../helpers/pipeline';
import { CapturedTable, MOMENTS, placesIn, statementsIn, type Moment } from './source-shape-helpers';

jest.setTimeout(60_000);

const T = ORDERS_TABLE;
const CREATE_TABLE = `
  CREATE TABLE ${T} (order_id SERIAL PRIMARY KEY, customer_name VARCHAR(255), restaurant_name VARCHAR(255), item VARCHAR(255),
    amount NUMERIC(10,2), order_status VARCHAR(50), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
  CREATE INDEX ON ${T} (created_at, order_id)`;
const KEY = '"2025em1100102_orders_pkey"';

let pipeline: FreshPipeline;
let table: CapturedTable;
const query = (sql: string) => pipeline.pool.query(sql);

beforeAll(async () => {
  pipeline = await freshPipeline({ cdc: { settle_ms: 0 } });
  // As long as nobody says otherwise, sessions are not in the pipeline's zone.
  await query(`ALTER DATABASE ${pipeline.name} SET TimeZone = 'America/New_York'`);
});
afterAll(() => pipeline.dispose());

async function begin(create = CREATE_TABLE): Promise<void> {
  await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await query(create);
  table = new CapturedTable(pipeline.pool, pipeline.settings);
}
afterEach(() => table.close());

/** In one transaction, in a session of the database's zone if none is given. */
const inZone = (sql: string, zone = 'America/New_York') =>
  `BEGIN; SET LOCAL TimeZone = '${zone}'; ${sql}; COMMIT`;

interface TakenOver {
  change: string;
  /** What the orders made afterwards have. */
  values?: Record<string, string>;
  create?: string;
}

const INHERITS = `CREATE TABLE child () INHERITS (${T})`;
const TAKEN_OVER: Record<string, TakenOver> = {
  'varchar to text': { change: `ALTER TABLE ${T} ALTER item TYPE text` },
  'integer to bigint': { change: `ALTER TABLE ${T} ALTER order_id TYPE bigint` },
  'bigint to integer': {
    create: `${CREATE_TABLE}; ALTER TABLE ${T} ALTER order_id TYPE bigint`,
    change: `ALTER TABLE ${T} ALTER order_id TYPE integer`,
  },
  'more decimals': { change: `ALTER TABLE ${T} ALTER amount TYPE numeric(12,4)` },
  'a text to an enumeration': {
    change: `CREATE TYPE status AS ENUM ('PLACED', 'DELIVERED'); ALTER TABLE ${T} ALTER order_status TYPE status USING order_status::status`,
  },
  'columns to domains over their types': {
    change: `CREATE DOMAIN money_amount AS numeric(10,2) CHECK (VALUE >= 0); CREATE DOMAIN moment AS timestamp;
             CREATE DOMAIN name AS varchar(255); CREATE DOMAIN short_name AS name; CREATE DOMAIN id AS integer;
             ALTER TABLE ${T} ALTER amount TYPE money_amount, ALTER created_at TYPE moment, ALTER item TYPE public.short_name,
               ALTER order_id TYPE id`,
  },
  'created_at to timestamptz, in a session of the pipeline’s zone': {
    change: inZone(`ALTER TABLE ${T} ALTER created_at TYPE timestamptz`, 'UTC'),
  },
  'created_at to timestamptz, with its zone': {
    change: `ALTER TABLE ${T} ALTER created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC'`,
  },
  'created_at to timestamp, with its zone': {
    create: `${CREATE_TABLE}; ALTER TABLE ${T} ALTER created_at TYPE timestamptz`,
    change: `ALTER TABLE ${T} ALTER created_at TYPE timestamp USING created_at AT TIME ZONE 'UTC'`,
  },
  'created_at with more decimals': {
    create: `${CREATE_TABLE}; ALTER TABLE ${T} ALTER created_at TYPE timestamp(3)`,
    change: `ALTER TABLE ${T} ALTER created_at TYPE timestamp(6)`,
  },
  'NOT NULL and the key dropped, then orders without an id': {
    change: `ALTER TABLE ${T} DROP CONSTRAINT ${KEY}, ALTER order_id DROP NOT NULL`,
    values: { order_id: 'NULL' },
  },
  'the key dropped': { change: `ALTER TABLE ${T} DROP CONSTRAINT ${KEY}` },
  'NOT NULL for new rows only, and a row without an id from before': {
    create: `${CREATE_TABLE}; ALTER TABLE ${T} DROP CONSTRAINT ${KEY}, ALTER order_id DROP NOT NULL`,
    change: `INSERT INTO ${T} VALUES (NULL, 'a', 'b', 'c', 1, 'PLACED', '2025-11-18 23:00');
             ALTER TABLE ${T} ADD CONSTRAINT filled NOT NULL order_id NOT VALID`,
  },
  'NOT NULL added': { change: `ALTER TABLE ${T} ALTER item SET NOT NULL, ALTER created_at SET NOT NULL` },
  'a column added': { change: `ALTER TABLE ${T} ADD COLUMN notes text` },
  'a column dropped that is not ours': {
    create: `${CREATE_TABLE}; ALTER TABLE ${T} ADD COLUMN notes text`,
    change: `ALTER TABLE ${T} DROP COLUMN notes`,
  },
  'columns reordered': {
    change: `ALTER TABLE ${T} ADD COLUMN later varchar(255); UPDATE ${T} SET later = item;
             ALTER TABLE ${T} DROP COLUMN item; ALTER TABLE ${T} RENAME COLUMN later TO item`,
  },
  'a column that is computed': {
    change: `ALTER TABLE ${T} RENAME COLUMN item TO dish; ALTER TABLE ${T} ADD COLUMN item varchar GENERATED ALWAYS AS (dish) STORED`,
    values: { item: 'DEFAULT' },
  },
  'all rows deleted by TRUNCATE': { change: `TRUNCATE ${T}` },
  'TRUNCATE that begins the ids anew': { change: `TRUNCATE ${T} RESTART IDENTITY` },
  'the table rewritten': { change: `VACUUM FULL ${T}` },
  'another zone of the database': {
    change: `ALTER DATABASE current SET TimeZone = 'Asia/Kolkata'`,
  },
  'a child that inherits': { change: INHERITS },
};

describe.each(Object.entries(TAKEN_OVER))('taken over: %s', (_name, { change, create, values }) => {
  test.each(MOMENTS)('%s', async (moment) => {
    await begin(create);
    await table.through(moment, async () => {
      for (const one of change.startsWith('BEGIN') ? [change] : change.split(';'))
        await query(one.replace('DATABASE current', `DATABASE ${pipeline.name}`));
      // What was not captured by then is no order of the table any more.
      if (change.startsWith('TRUNCATE')) table.made.splice(table.captured.length);
      if (change.includes('NOT VALID')) table.made.push([null, '2025-11-18T23:00:00.000000Z']);
    });
    const late = change.includes('NOT VALID');
    if (!late) await table.insert(2, values);
    await table.expectAll();
    await query(`ALTER DATABASE ${pipeline.name} SET TimeZone = 'America/New_York'`);
  });
});

interface Refused {
  change: string;
  create?: string;
  says: RegExp;
  /** Makes orders between the change and its mending, as it can be done then. */
  meanwhile?: (table: CapturedTable) => Promise<void>;
  values?: Record<string, string>;
}

const REFUSED: Record<string, Refused> = {
  'amount to double precision': {
    change: `ALTER TABLE ${T} ALTER amount TYPE double precision`,
    says: /amount is double precision, must be numeric/,
  },
  'amount to text': { change: `ALTER TABLE ${T} ALTER amount TYPE text`, says: /amount is text/ },
  'amount to money': { change: `ALTER TABLE ${T} ALTER amount TYPE money`, says: /amount is money/ },
  'a text to json': {
    change: `ALTER TABLE ${T} ALTER item TYPE json USING to_json(item)`,
    says: /item is json, must be text/,
  },
  'order_id to text': {
    change: `ALTER TABLE ${T} ALTER order_id DROP DEFAULT, ALTER order_id TYPE text`,
    says: /order_id is text/,
    values: { order_id: '1000' },
  },
  'created_at to text': {
    change: inZone(`ALTER TABLE ${T} ALTER created_at DROP DEFAULT, ALTER created_at TYPE text`),
    says: /created_at is text/,
  },
  'a column dropped': { change: `ALTER TABLE ${T} DROP COLUMN item`, says: /item is missing/ },
  'a column renamed': {
    change: `ALTER TABLE ${T} RENAME COLUMN item TO "Dish of the day"`,
    says: /item is missing.*RENAME COLUMN "Dish of the day" TO item/,
  },
  'created_at to timestamptz, in a session of another zone': {
    change: inZone(`ALTER TABLE ${T} ALTER created_at TYPE timestamptz`),
    says: /was timestamp\(6\)@UTC and is timestamptz\(6\).*AT TIME ZONE 'America\/New_York' AT TIME ZONE 'UTC'/,
    meanwhile: (made) => made.insert(2),
  },
  'created_at to timestamptz, in a session of a zone that nothing tells': {
    change: inZone(`ALTER TABLE ${T} ALTER created_at TYPE timestamptz`, 'Asia/Kolkata'),
    says: /created_at \+ interval '19800 seconds'/,
    meanwhile: (made) => made.insert(2),
  },
  'created_at to timestamp, in a session of another zone': {
    create: `${CREATE_TABLE}; ALTER TABLE ${T} ALTER created_at TYPE timestamptz`,
    change: inZone(`ALTER TABLE ${T} ALTER created_at TYPE timestamp`),
    says: /was timestamptz\(6\) and is timestamp\(6\)@UTC.*USING created_at AT TIME ZONE 'America\/New_York'/,
  },
  'created_at to timestamp, in a session of a zone that nothing tells': {
    create: `${CREATE_TABLE}; ALTER TABLE ${T} ALTER created_at TYPE timestamptz`,
    change: inZone(`ALTER TABLE ${T} ALTER created_at TYPE timestamp`, 'Asia/Kolkata'),
    says: /interval '-19800 seconds'/,
  },
  'a view that took the name': {
    change: `ALTER TABLE ${T} RENAME TO orders_v2; CREATE VIEW ${T} AS SELECT * FROM orders_v2`,
    says: /is a view.*DROP VIEW/,
  },
  'a materialized view that took the name': {
    change: `ALTER TABLE ${T} RENAME TO orders_v2; CREATE MATERIALIZED VIEW ${T} AS SELECT * FROM orders_v2`,
    says: /is a materialized view.*DROP MATERIALIZED VIEW/,
  },
  'a child on another server': {
    change: `CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE away () INHERITS (${T}) SERVER s`,
    says: /Part of .* is a foreign table, public.away/,
  },
};

const failureOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(LastingFailure);
  return error as LastingFailure;
};

describe.each(Object.entries(REFUSED))(
  'refused, and mended by its message: %s',
  (_name, { change, create, says, meanwhile, values }) => {
    test.each(MOMENTS)('%s', async (moment) => {
      await begin(create);
      const failure = await failureOf(
        table.through(moment, async () => {
          for (const one of change.startsWith('BEGIN') ? [change] : change.split(';')) await query(one);
          await meanwhile?.(table);
        }),
      );
      expect(failure.type).toBe('SchemaMismatch');
      expect(failure.message).toMatch(says);
      const statements = statementsIn(failure.message);
      expect(statements.length).toBeGreaterThan(0);
      for (const statement of statements) await query(statement);
      await table.restart();
      await table.capture();
      await table.insert(1, values);
      await table.expectAll();
      await query('DROP FOREIGN DATA WRAPPER IF EXISTS w CASCADE');
    });
  },
);

const SWAP = `CREATE TABLE other (LIKE ${T} INCLUDING ALL); INSERT INTO other SELECT * FROM ${T}; ALTER TABLE ${T} RENAME TO old;
  ALTER TABLE other RENAME TO ${T}; ALTER TABLE ${T} ALTER order_id SET DEFAULT 100`;
const PARTITIONS = `ALTER TABLE ${T} RENAME TO old;
  CREATE TABLE ${T} (LIKE old INCLUDING DEFAULTS) PARTITION BY RANGE (created_at);
  CREATE TABLE p PARTITION OF ${T} DEFAULT; INSERT INTO ${T} SELECT * FROM old`;

describe.each([
  ['a table of the same name', SWAP],
  ['partitions', PARTITIONS],
])('replaced by %s', (_name, change) => {
  test.each(MOMENTS)('%s', async (moment) => {
    await begin();
    const failure = await failureOf(table.through(moment, () => query(change)));
    expect(failure).toMatchObject({ type: 'SchemaMismatch' });
    expect(failure.message).toMatch(/is another table than .* is public.old now/);
    const [beginning, here] = placesIn(failure.message);
    expect(here).toEqual(table.at);
    // The one command: from where it is. The other is for rows that capture has not seen; repeats are for landing to drop.
    table.known = undefined;
    await table.insert(1);
    await table.expectAll();
    const before = table.captured.splice(0);
    table.at = beginning!;
    await table.capture();
    expect(table.captured).toEqual(before);
  });
});

test.each<Moment>(['while running', 'after a restart'])('fewer decimals are refused, %s', async (moment) => {
  await begin();
  const change = () => query(`ALTER TABLE ${T} ALTER created_at TYPE timestamp(0)`);
  const failure = await failureOf(table.through(moment, change));
  expect(failure.message).toContain('its moments were rounded');
  const [place] = placesIn(failure.message);
  expect(place!.createdAt < table.at.createdAt).toBe(true);
});

test('another postgres.timezone is refused where it moves what was captured', async () => {
  await begin();
  await table.insert();
  await table.capture();
  await table.restart({ timezone: 'Asia/Kolkata' });
  const failure = await failureOf(table.capture());
  expect(failure.message).toContain('Set postgres.timezone to UTC again.');
  await table.restart({ timezone: 'UTC' });
  await table.insert(2);
  await table.expectAll();
});

test('a change that cannot be judged, as the last order captured is gone, is refused with the way on', async () => {
  await begin();
  await table.insert();
  await table.capture();
  await query(
    `DELETE FROM ${T} WHERE order_id = 3; ALTER TABLE ${T} ALTER created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC'`,
  );
  const failure = await failureOf(table.capture());
  expect(failure.message).toContain('the last order captured, 3, is gone');
  expect(placesIn(failure.message)).toEqual([table.at]);
  table.known = undefined;
  await table.insert(2);
  await table.expectAll();
});

test('a table that was renamed is told by its new name, which may be set', async () => {
  await begin();
  await table.insert();
  await table.capture();
  await query(
    `CREATE SCHEMA IF NOT EXISTS "my.shop"; ALTER TABLE ${T} RENAME TO "my orders"; ALTER TABLE "my orders" SET SCHEMA "my.shop"`,
  );
  const failure = await failureOf(table.capture());
  expect(failure.message).toContain('does not exist');
  const [, name] = /set postgres.table to (\S+"."?\S.*"|\S+) to go on/.exec(failure.message)!;
  expect(name).toBe('"my.shop"."my orders"');
  await table.restart({ table: name! });
  await table.insert(2, {}, name);
  await table.expectAll();
  await query('DROP SCHEMA "my.shop" CASCADE');
});

test('an unqualified table is the one that the role’s search_path leads to, and stays it', async () => {
  await begin();
  await query(`CREATE SCHEMA tenant; CREATE TABLE tenant.${T} (LIKE ${T} INCLUDING ALL)`);
  await table.insert();
  await table.capture();
  await query(`ALTER DATABASE ${pipeline.name} SET search_path = tenant, public`);
  // New sessions of the same process find another table by that name.
  const { rows } = await pipeline.pool.query<{ pid: number }>(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  expect(rows.length).toBeGreaterThan(0);
  await table.insert(2, {}, `public.${T}`);
  await table.capture().catch(() => table.capture());
  await table.expectAll();
  // A new process would go on with the other table.
  await table.restart();
  const failure = await failureOf(table.capture());
  expect(failure).toMatchObject({ type: 'SchemaMismatch' });
  expect(failure.message).toContain('is another table than');
  await table.restart({ table: `public.2025em1100102_orders` });
  await table.expectAll();
  await query(`ALTER DATABASE ${pipeline.name} RESET search_path; DROP SCHEMA tenant CASCADE`);
});

test('a search_path that does not lead to the table is told, with what to set', async () => {
  await begin();
  await query(`ALTER DATABASE ${pipeline.name} SET search_path = pg_catalog`);
  await table.restart();
  const failure = await failureOf(table.capture());
  expect(failure.message).toContain(`does not exist in`);
  const [, name] =
    /There is (\S+), to which the search_path of role "\w+" does not lead: set postgres.table to it/.exec(
      failure.message,
    )!;
  await table.restart({ table: name! });
  await table.insert(2, {}, `public.${T}`);
  await table.expectAll();
  await query(`ALTER DATABASE ${pipeline.name} RESET search_path`);
});
