import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { destroy, down, kill, readAddresses, status, up, type StackAddresses } from '../../dev/stack';
import { endWithUs } from '../helpers/end-with-us';
import { identify, isAlive, withDescendants } from '../../dev/stack/system/process-identity';

jest.setTimeout(120_000);

// mkdtemp makes it 0700: as root, PostgreSQL's account cannot enter it and its data must go elsewhere.
const home = mkdtempSync(join(tmpdir(), 'stack test, é-'));
const checkout = join(__dirname, '..', '..');
const progress: string[] = [];
const options = { home, useEnvironment: false, onProgress: (line: string): number => progress.push(line) };
let addresses: StackAddresses;

beforeAll(async () => {
  endWithUs({ homes: [home] });
  addresses = await up(options);
});
afterAll(() => destroy(options));

async function sql<T extends object>(text: string): Promise<T[]> {
  const { PGHOST: host, PGPORT, PGDATABASE: database, PGUSER: user, PGPASSWORD: password } = addresses;
  const client = new Client({ host, port: Number(PGPORT), database, user, password, ssl: false });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

function kafka(): Kafka {
  return new Kafka({ brokers: [addresses.KAFKA_BROKERS], logLevel: logLevel.NOTHING });
}

function temporal(...args: string[]): string {
  const all = [...args, '--address', addresses.TEMPORAL_ADDRESS, '--output', 'json'];
  return execFileSync(addresses.TEMPORAL_CLI, all, { encoding: 'utf8', stdio: 'pipe' });
}

async function pids(): Promise<(number | undefined)[]> {
  return (await status(options)).map(({ pid }) => pid);
}

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

test('PostgreSQL has the settings the pipeline relies on', async () => {
  const [row] = await sql(`SELECT current_setting('server_version_num')::int / 10000 AS major,
    current_setting('max_prepared_transactions') AS prepared, current_setting('fsync') AS fsync,
    current_setting('listen_addresses') AS listen, current_setting('timezone') AS timezone,
    current_setting('server_encoding') AS encoding, datlocprovider AS provider, datlocale AS locale
    FROM pg_database WHERE datname = current_database()`);
  expect(row).toEqual({
    ...{ major: 18, prepared: '64', fsync: 'on', listen: '127.0.0.1', timezone: 'UTC' },
    ...{ encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8' },
  });
});

test('a wrong password is refused; the right one is remembered in a file that only its owner reads', async () => {
  const right = addresses;
  addresses = { ...right, PGPASSWORD: 'wrong' };
  await expect(sql('SELECT 1')).rejects.toThrow(/password authentication failed/);
  addresses = right;
  expect(statSync(join(home, 'state.json')).mode & 0o777).toBe(0o600);
});

test('up again, twice at once, changes nothing', async () => {
  const before = await pids();
  expect(before).not.toContain(undefined);
  const again = await Promise.all([up(options), up(options)]);
  expect(again).toEqual([addresses, addresses]);
  expect(await pids()).toEqual(before);
  expect(await readAddresses(options)).toEqual(addresses);
});

test('the command `env` prints what up returned, as lines for a shell', () => {
  const command = ['--import', 'tsx', 'dev/stack/cli.ts', 'env', '--home', home];
  const { PATH, HOME } = process.env;
  const { stdout } = spawnSync(process.execPath, command, {
    cwd: checkout,
    env: { PATH, HOME },
    encoding: 'utf8',
  });
  const lines = Object.entries(addresses).map(([name, value]) => `export ${name}=${String(value)}\n`);
  expect(stdout).toBe([...lines, 'export METRICS_LISTEN=127.0.0.1:9464\n'].join(''));
});

test('Kafka refuses to make a topic by accident; after SIGKILL it is back with its records and group offsets', async () => {
  const topic = 'kept';
  const groupId = 'progress';
  const admin = kafka().admin();
  await admin.connect();
  await expect(admin.fetchTopicMetadata({ topics: ['mistyped'] })).rejects.toThrow();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] });
  const producer = kafka().producer({ transactionalId: 'test', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ key: '1', value: 'one' }] });
  await transaction.commit();
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }] });
  await Promise.all([producer.disconnect(), admin.disconnect()]);

  await kill('kafka', options);
  expect((await status(options)).map(({ running }) => running)).toEqual([true, false, true]);
  expect(await up(options)).toEqual(addresses);

  const after = kafka().admin();
  await after.connect();
  expect(await after.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, high: '2' }]); // the record, its commit
  expect(await after.fetchOffsets({ groupId, topics: [topic] })).toMatchObject([
    { partitions: [{ offset: '1' }] },
  ]);
  await after.disconnect();
});

test('PostgreSQL killed with all its children comes back with its rows', async () => {
  await sql('CREATE TABLE kept AS SELECT 1 AS id');
  const [postmaster] = await pids();
  const identity = identify(postmaster ?? 0);
  const family = identity ? withDescendants(identity) : [];
  expect(family.length).toBeGreaterThan(3);
  await kill('postgres', options);
  expect(family.filter(isAlive)).toEqual([]);
  expect(await up(options)).toEqual(addresses);
  expect(await sql('SELECT id FROM kept')).toEqual([{ id: 1 }]);
});

test('Temporal comes back from SIGKILL with its workflows', async () => {
  temporal('workflow', 'start', '--type', 'any', '--task-queue', 'none', '--workflow-id', 'kept');
  await kill('temporal', options);
  expect(await up({ ...options, temporalDynamicConfig: {} })).toEqual(addresses);
  expect(temporal('workflow', 'describe', '--workflow-id', 'kept')).toContain(
    'WORKFLOW_EXECUTION_STATUS_RUNNING',
  );
});

/** Slim container images have no `ps`. */
function commandLineOf(pid: number | undefined): string {
  return process.platform === 'linux'
    ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
}

test('other settings restart a running server, and are remembered', async () => {
  const [postgresBefore, , temporalBefore] = await pids();
  await up({ ...options, temporalDynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 200 } });
  const [postgresAfter, , temporalAfter] = await pids();
  expect(postgresAfter).toBe(postgresBefore);
  expect(temporalAfter).not.toBe(temporalBefore);
  await up(options);
  expect((await pids())[2]).toBe(temporalAfter);
  expect(commandLineOf(temporalAfter)).toContain('limit.historyCount.suggestContinueAsNew=200');
});

test('with `observe` a Prometheus with the rules starts too, also the next time', async () => {
  expect((await status(options)).map(({ server }) => server)).not.toContain('prometheus');
  await up({ ...options, observe: true });
  await kill('prometheus', options);
  await up(options);
  const { running, address } = (await status(options)).find(({ server }) => server === 'prometheus')!;
  expect(running).toBe(true);
  const { data } = (await (await fetch(`http://${address}/api/v1/rules`)).json()) as {
    data: { groups: { name: string }[] };
  };
  expect(data.groups.map(({ name }) => name)).toContain('orders-progress');
});

test('with `s3` an S3 server with a bucket starts too, on this machine alone', async () => {
  expect((await status(options)).map(({ server }) => server)).not.toContain('s3');
  const { LAKE_PATH, AWS_ENDPOINT_URL_S3: endpoint, ...others } = await up({ ...options, s3: true });
  expect(endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const bucket = LAKE_PATH?.split('/')[2] ?? '';
  const client = new S3Client({
    endpoint: endpoint!,
    region: others.AWS_REGION!,
    credentials: { accessKeyId: others.AWS_ACCESS_KEY_ID!, secretAccessKey: others.AWS_SECRET_ACCESS_KEY! },
    forcePathStyle: true,
  });
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'kept', Body: 'kept' }));
  await kill('s3', options);
  addresses = await up(options);
  expect(addresses).toMatchObject({ LAKE_PATH, AWS_ENDPOINT_URL_S3: endpoint });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'kept' }));
  expect(await Body?.transformToString()).toBe('kept');
  expect((await fetch(`${endpoint}/${bucket}/kept`)).status).toBe(403);
  client.destroy();
  // It is built where nobody has yet: some 2 minutes of CPU time.
}, 600_000);

test('down leaves no process; up keeps ports, but for one that somebody took meanwhile', async () => {
  const running = (await pids()).map((pid) => identify(pid ?? 0));
  const families = running.flatMap((identity) => (identity ? withDescendants(identity) : []));
  await down(options);
  expect(families.filter(isAlive)).toEqual([]);
  expect((await status(options)).map(({ running }) => running)).toEqual(Array(5).fill(false));
  await down(options); // harmless

  const thief = await listenOn(Number(addresses.KAFKA_BROKERS.split(':')[1]));
  progress.length = 0;
  const after = await up(options).finally(() => thief.close());
  expect(progress.join('\n')).toContain(
    `another program has taken port ${addresses.KAFKA_BROKERS.split(':')[1]}`,
  );
  expect({ ...after, KAFKA_BROKERS: '' }).toEqual({ ...addresses, KAFKA_BROKERS: '' });
  addresses = after;
  // Clients are led to the new port by the broker itself, too.
  const admin = kafka().admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster();
  expect(brokers.map(({ host, port }) => `${host}:${port}`)).toEqual([after.KAFKA_BROKERS]);
  expect(await admin.listTopics()).toContain('kept');
  await admin.disconnect();
});

test('a server that dies while it starts: the error names its log and shows the last lines', async () => {
  const broken = { ...options, kafkaProperties: { 'process.roles': 'nonsense' } };
  await expect(up(broken)).rejects.toThrow(/^Kafka ended with exit code 1\. Log: .*kafka\.log\n[^]*nonsense/);
  await up({ ...options, kafkaProperties: {}, servers: ['kafka'] });
});

test('destroy leaves neither processes nor files', async () => {
  const { postgres } = JSON.parse(readFileSync(join(home, 'state.json'), 'utf8')) as {
    postgres: { dataDirectory: string };
  };
  const running = (await pids()).map((pid) => identify(pid ?? 0));
  await destroy(options);
  expect(running.filter((identity) => identity && isAlive(identity))).toEqual([]);
  expect([home, postgres.dataDirectory].filter((path) => existsSync(path))).toEqual([]);
  await destroy(options); // harmless
});
