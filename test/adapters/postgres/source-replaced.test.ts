/** Changes after which nobody can say what was captured: another table, another zone, fewer decimals, another search_path. */
import { MOMENTS, placesIn, type Moment } from './source-shape-helpers';
import { T, pipeline, table, query, begin, failureOf } from './captured-source';

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

test('a change that cannot be checked, as the last order captured is gone, is refused with the way on', async () => {
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
