/** The doctor is called when something hangs; it must not hang with it. */
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { examineKafka } from '../../cli/doctor/kafka';
import { Findings, type Finding } from '../../cli/doctor/finding';
import { examinePostgres } from '../../cli/doctor/postgres';
import { ORDERS_TABLE, freshPipeline, type FreshPipeline } from '../helpers/pipeline';
import { ordersCli } from '../helpers/processes';

let pipeline: FreshPipeline;
let silent: Server;
let port: number;
const sockets = new Set<Socket>();

beforeAll(async () => {
  pipeline = await freshPipeline();
  // Takes connections and says nothing, as a frozen server does.
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  ({ port } = silent.address() as AddressInfo);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  await pipeline.dispose();
});

test('of servers that say nothing each look ends, and says so', async () => {
  const { settings } = pipeline;
  const { postgres, kafka } = settings;
  const [one, other, temporal] = await Promise.all([
    examinePostgres({ ...settings, postgres: { ...postgres, host: '127.0.0.1', port } }),
    examineKafka({ ...settings, kafka: { ...kafka, brokers: [`127.0.0.1:${port}`] } }),
    ordersCli(
      { ...pipeline, env: { ...pipeline.env, TEMPORAL_ADDRESS: `127.0.0.1:${port}` } },
      'doctor',
      '--json',
    ).catch((error: { stdout: string }) => error),
  ]);
  expect(one).toMatchObject([{ about: 'server', grade: 'broken' }]);
  expect(other).toMatchObject([{ about: 'brokers', grade: 'broken' }]);
  const { findings } = JSON.parse(temporal.stdout) as { findings: Finding[] };
  expect(findings).toContainEqual(
    expect.objectContaining({ server: 'Temporal', about: 'server', grade: 'broken' }),
  );
  expect(findings).toContainEqual(
    expect.objectContaining({ server: 'PostgreSQL', about: 'table and rights', grade: 'fine' }),
  );
});

test('a look that never ends is a finding, and what comes after it is looked at', async () => {
  const findings = new Findings('lake', 50);
  const found = await findings.look('disk', 'look at the disk', () => new Promise<never>(() => undefined));
  expect(found).toBeUndefined();
  findings.fine('ledger', 'empty');
  expect(findings.all).toMatchObject([
    { about: 'disk', grade: 'broken', found: 'no answer within 0.05 s', toDo: 'look at the disk' },
    { about: 'ledger', grade: 'fine' },
  ]);
});

test('of a table that is locked it says by whom, and what it says ends that', async () => {
  const { host, port: sql, db: database, user, password } = pipeline.settings.postgres;
  const migration = new Client({ host, port: sql, database, user, password, application_name: 'migration' });
  migration.on('error', () => undefined);
  await migration.connect();
  try {
    await migration.query(`BEGIN; LOCK TABLE ${ORDERS_TABLE} IN ACCESS EXCLUSIVE MODE`);
    const locked = (await examinePostgres(pipeline.settings)).at(-1)!;
    expect(locked).toMatchObject({ about: 'table and rights', grade: 'broken' });
    expect(locked.found).toMatch(/locked since .*application "migration"/);
    await pipeline.pool.query(/run: (.*;)/.exec(locked.found)![1]!);
    const after = await examinePostgres(pipeline.settings);
    expect(after.filter(({ grade }) => grade === 'broken')).toEqual([]);
  } finally {
    await migration.end().catch(() => undefined);
  }
});
