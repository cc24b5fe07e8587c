import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAddresses, status, up } from '../../dev/stack';
import { Home } from '../../dev/stack/home';

const home = mkdtempSync(join(tmpdir(), 'stack-environment-test-'));
const variables = [
  'PGHOST',
  'PGPORT',
  'PGUSER',
  'PGDATABASE',
  'PGPASSWORD',
  'KAFKA_BROKERS',
  'TEMPORAL_ADDRESS',
];
const before = { ...process.env };
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => variables.forEach((name) => delete process.env[name]));
afterAll(() => {
  process.env = before;
  server.close();
  rmSync(home, { recursive: true, force: true });
});

test('servers that the environment names are used as they are, and none is started', async () => {
  Object.assign(process.env, { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'me', PGPASSWORD: 'mine' });
  Object.assign(process.env, {
    KAFKA_BROKERS: `127.0.0.1:1,127.0.0.1:${port}`,
    TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
  });
  const addresses = await up({ home });
  expect(addresses).toMatchObject({
    PGPORT: String(port),
    PGUSER: 'me',
    PGDATABASE: 'me',
    PGPASSWORD: 'mine',
  });
  expect(addresses.KAFKA_BROKERS).toBe(`127.0.0.1:1,127.0.0.1:${port}`);
  expect(await status({ home })).toEqual([
    expect.objectContaining({ server: 'postgres', fromEnvironment: true, running: true }),
    expect.objectContaining({ server: 'kafka', fromEnvironment: true, running: true }),
    expect.objectContaining({ server: 'temporal', fromEnvironment: true, running: true }),
  ]);
  expect(await readAddresses({ home, useEnvironment: false })).toBeUndefined();
});

test('one that does not answer: the error names the variable', async () => {
  process.env['KAFKA_BROKERS'] = '127.0.0.1:1';
  await expect(up({ home, servers: ['kafka'] })).rejects.toThrow(
    /nothing answers at 127\.0\.0\.1:1.*unset KAFKA_BROKERS/,
  );
});

test('our own addresses, exported into a shell, do not make our servers somebody else’s', async () => {
  Home.open({ home }).update('kafka', { ports: { clients: port } });
  process.env['KAFKA_BROKERS'] = `127.0.0.1:${port}`;
  expect(await status({ home, servers: ['kafka'] })).toMatchObject([
    { fromEnvironment: false, running: false },
  ]);
});
