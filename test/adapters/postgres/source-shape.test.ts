/** Each change of docs/source-changes.md that is taken over, and each that is refused with the statement that mends it. */
import { type CapturedTable, MOMENTS, statementsIn } from './source-shape-helpers';
import { T, CREATE_TABLE, KEY, pipeline, table, query, begin, failureOf, inZone } from './captured-source';

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
