import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { z } from 'zod';
import { renderProperties } from '../../dev/stack/servers/kafka-properties';

const checkout = join(__dirname, '..', '..');
const text = readFileSync(join(checkout, 'docker-compose.yml'), 'utf8');

const service = z.looseObject({
  image: z.string().optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  ports: z.array(z.string()).optional(),
  healthcheck: z.unknown().optional(),
  volumes: z.array(z.string()),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
});
const compose = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()),
});
const { services, volumes } = compose.parse(parse(text));

test('docker-compose.yml follows the Compose specification', () => {
  const schema = JSON.parse(readFileSync(join(__dirname, 'compose-spec', 'compose-spec.json'), 'utf8')) as {
    $schema?: string;
  };
  delete schema.$schema; // draft-07, spelled with https, which ajv does not know by that name
  // "duration" is a format of Compose's own; without ajv-formats none is checked.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);
  validate(parse(text));
  expect(validate.errors).toBeNull();
  // The schema does refuse something.
  expect(validate({ services: { kafka: { imagee: 'apache/kafka' } } })).toBe(false);
});

test('every service keeps its data in a declared volume; ports are bound to loopback; servers are checked', () => {
  for (const [name, { volumes: mounts, ports = [], healthcheck }] of Object.entries(services)) {
    for (const mount of mounts) {
      const [source = '', , mode] = mount.split(':');
      if (source.startsWith('./')) expect([mode, existsSync(join(checkout, source))]).toEqual(['ro', true]);
      else expect(Object.keys(volumes)).toContain(source);
    }
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect([name, healthcheck]).toEqual([name, expect.anything()]);
  }
  const waitsFor = services['worker']?.depends_on ?? {};
  expect(waitsFor).toEqual(
    Object.fromEntries(
      ['postgres', 'kafka', 'temporal'].map((name) => [name, { condition: 'service_healthy' }]),
    ),
  );
});

test('the worker is an ordinary account that can write to its lake and to temporary files alone', () => {
  const { worker } = services;
  expect(worker).toMatchObject({
    read_only: true,
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    volumes: ['lake:/lake'],
  });
  for (const name of ['LAKE_PATH', 'STATE_PATH']) expect(worker?.environment?.[name]).toMatch(/^\/lake\//);
  const image = readFileSync(join(checkout, 'Dockerfile'), 'utf8');
  const last = image.slice(image.lastIndexOf('\nFROM '));
  expect(last).toMatch(/\nUSER node\n/);
  // Nothing but the lake's directory is given to it, and no package's script runs.
  expect(last.match(/chown \S+ \S+/g)).toEqual(['chown node:node /lake']);
  expect(image.match(/npm ci(?! .*--ignore-scripts)/g)).toBeNull();
});

test('the broker has the same properties as the one of npm run stack', () => {
  const native = Object.fromEntries(
    renderProperties({ data: '', ports: {}, more: {} })
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2) as [string, string]),
  );
  const container = services['kafka']?.environment ?? {};
  const shared = Object.entries(container).filter(([name]) =>
    /RETENTION|TOPIC|LOG_|DELAY|SESSION|HEARTBEAT|AUTO/.test(name),
  );
  expect(shared.length).toBeGreaterThan(9);
  for (const [name, value] of shared) {
    if (name === 'KAFKA_LOG_DIRS') continue;
    const property = name
      .replace(/^KAFKA_/, '')
      .toLowerCase()
      .replaceAll('_', '.');
    expect([property, native[property]]).toEqual([property, String(value)]);
  }
});
