/** What is looked at once, before anything is done, and what is warned of. */
import { createOrdersSource } from '../../../adapters/postgres';
import { ORDERS_TABLE } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';
import { START, LOOK, pipeline, source, session, insert } from './fresh-source';

test('a role that cannot see others’ transactions is refused with the GRANT to run', async () => {
  await pipeline.pool.query(
    `CREATE ROLE ${pipeline.name} LOGIN PASSWORD 'x'; GRANT SELECT ON ${ORDERS_TABLE} TO ${pipeline.name}`,
  );
  const limited = createOrdersSource(
    {
      ...pipeline.settings,
      postgres: { ...pipeline.settings.postgres, user: pipeline.name, password: 'x' },
    },
    SILENT,
  );
  try {
    const grant = `GRANT pg_read_all_stats TO "${pipeline.name}"`;
    await expect(limited.check()).rejects.toMatchObject({
      type: 'InsufficientPrivilege',
      message: expect.stringContaining(grant) as string,
    });
    const other = await session();
    await other.query('BEGIN');
    await expect(limited.horizon()).rejects.toMatchObject({
      message: expect.stringContaining(grant) as string,
    });
    await pipeline.pool.query(grant);
    await expect(limited.check()).resolves.toMatchObject({ warnings: [] });
    await expect(limited.horizon()).resolves.toHaveProperty('heldBy');
  } finally {
    await limited.close();
    await pipeline.pool.query(`DROP OWNED BY ${pipeline.name}; DROP ROLE ${pipeline.name}`);
  }
});

test('a table without the index, with another type, or none at all is told before anything is done', async () => {
  await pipeline.pool.query(`DROP INDEX "2025em1100102_orders_created_at_order_id_idx"`);
  const { warnings } = await source.check();
  expect(warnings).toEqual([expect.stringContaining('CREATE INDEX CONCURRENTLY')]);
  expect(await source.detectLateRows(LOOK)).toMatchObject({ unreachable: [] });
  await pipeline.pool.query(
    `ALTER TABLE ${ORDERS_TABLE} ALTER amount TYPE double precision, DROP COLUMN item`,
  );
  await expect(source.check()).rejects.toMatchObject({
    type: 'SchemaMismatch',
    message: expect.stringMatching(/item is missing; amount is double precision, must be numeric/) as string,
  });
  await pipeline.pool.query(`DROP TABLE ${ORDERS_TABLE}`);
  await expect(source.check()).rejects.toMatchObject({
    type: 'SchemaMismatch',
    message: expect.stringContaining('does not exist') as string,
  });
});

test('without an index on order_id there is a warning, and a look while it takes no longer than its limit', async () => {
  expect(await source.detectLateRows(LOOK)).toMatchObject({
    highestOrderId: '-9223372036854775808',
    missed: [],
  });
  await pipeline.pool.query(`ALTER TABLE ${ORDERS_TABLE} DROP CONSTRAINT "2025em1100102_orders_pkey"`);
  expect((await source.check()).warnings).toEqual([
    expect.stringMatching(/no index on order_id.*CREATE INDEX CONCURRENTLY/),
  ]);
  expect(await source.detectLateRows(LOOK)).toMatchObject({ missed: [], unreachable: [] });
});

test('a look for missed rows that takes too long is given up, and the connection goes on', async () => {
  await source.check();
  const locking = await session();
  await locking.query(`BEGIN; LOCK TABLE ${ORDERS_TABLE} IN ACCESS EXCLUSIVE MODE`);
  await expect(source.detectLateRows(LOOK)).rejects.toThrow('statement timeout');
  await locking.query('ROLLBACK');
  await expect(source.detectLateRows(LOOK)).resolves.toBeDefined();
});

test('a zone that moves its clock is warned of; timestamptz and a fixed zone come out in UTC', async () => {
  await insert(pipeline.pool);
  const inZone = (timezone: string) =>
    createOrdersSource(
      { ...pipeline.settings, postgres: { ...pipeline.settings.postgres, timezone } },
      SILENT,
    );
  const berlin = inZone('Europe/Berlin');
  expect((await berlin.check()).warnings).toEqual([expect.stringContaining('timestamptz')]);
  await berlin.close();

  await pipeline.pool.query(
    `TRUNCATE ${ORDERS_TABLE}; INSERT INTO ${ORDERS_TABLE} (created_at) VALUES ('2025-11-18 15:30:00.5')`,
  );
  const india = inZone('Asia/Kolkata');
  expect(
    await india.nextWindow({ after: START, before: '2026-01-01T00:00:00.000000Z', limit: 10 }),
  ).toMatchObject({
    upper: { createdAt: '2025-11-18T10:00:00.500000Z' },
    oldest: '2025-11-18T10:00:00.500000Z',
  });
  await india.close();

  await pipeline.pool.query(
    `ALTER TABLE ${ORDERS_TABLE} ALTER created_at TYPE timestamptz USING created_at AT TIME ZONE 'Asia/Kolkata'`,
  );
  const zoned = createOrdersSource(pipeline.settings, SILENT);
  expect(
    await zoned.nextWindow({ after: START, before: '2026-01-01T00:00:00.000000Z', limit: 10 }),
  ).toMatchObject({
    upper: { createdAt: '2025-11-18T10:00:00.500000Z' },
    oldest: '2025-11-18T10:00:00.500000Z',
  });
  await zoned.close();
});
