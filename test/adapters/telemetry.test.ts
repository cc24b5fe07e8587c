/** What the adapters tell that is no failure reaches the log of whoever runs them. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { createOrdersLake } from '../../adapters/lake/writing';
import { createOrdersSource } from '../../adapters/postgres';
import { watermarkFrom } from '../../domain/watermark';
import { openLake, temporaryDirectory } from '../helpers/lake';
import { eventually, freshPipeline, ORDERS_TABLE } from '../helpers/pipeline';
import { recorded } from '../helpers/telemetry';
import { readRanges, TopicFixture } from './kafka/helpers';

jest.setTimeout(60_000);

test('Kafka: a range that cannot be read yet is asked for again, with a warning', async () => {
  const fixture = new TopicFixture();
  try {
    const telemetry = recorded();
    await fixture.create();
    const topic = fixture.open({ telemetry });
    const open = await fixture.foreignTransaction();
    await open.send({ topic: fixture.name, messages: [{ key: 'k', value: 'v', partition: 0 }] });
    const reading = readRanges(topic, [{ partition: 0, from: '0', to: '1' }]);
    await eventually(() =>
      expect(telemetry.lines).toContainEqual([
        'nothing to read below the end of a range; asking again',
        expect.objectContaining({ topic: fixture.name, partition: 0, from: '0', to: '1' }),
      ]),
    );
    await open.commit();
    expect(await reading).toHaveLength(1);
  } finally {
    await fixture.close();
  }
});

test('PostgreSQL: a table that has changed, and a connection that was lost while idle', async () => {
  const pipeline = await freshPipeline();
  const telemetry = recorded();
  const source = createOrdersSource(pipeline.settings, telemetry);
  try {
    await source.check();
    await pipeline.pool.query(`ALTER TABLE ${ORDERS_TABLE} ALTER item TYPE text`);
    const after = watermarkFrom({ createdAt: '1970-01-01T00:00:00Z' });
    await source.nextWindow({ after, before: '2100-01-01T00:00:00.000000Z', limit: 10 });
    expect(telemetry.lines).toEqual([
      ['the table has changed: it is looked at anew', { table: expect.stringContaining('orders') as string }],
    ]);
    await pipeline.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await eventually(() =>
      expect(telemetry.lines).toContainEqual(['a connection to PostgreSQL was lost', expect.anything()]),
    );
  } finally {
    await source.close();
    await pipeline.dispose();
  }
});

test('the lake: files that attempts left behind', async () => {
  const { path: root, remove } = await temporaryDirectory();
  try {
    const telemetry = recorded();
    const path = join(root, 'lake');
    const lake = createOrdersLake({ path, compression: 'snappy' }, telemetry);
    await openLake(lake);
    expect(telemetry.lines).toEqual([]);
    await fs.writeFile(join(path, '._probe_link.00112233445566ff.tmp'), 'x');
    await openLake(lake);
    expect(telemetry.lines).toEqual([
      [
        'removed what attempts left behind',
        { lake: path, files: 1, first: expect.stringContaining('._probe_link') as string },
      ],
    ]);
  } finally {
    await remove();
  }
});
