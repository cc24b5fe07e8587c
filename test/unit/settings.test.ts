import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings, parseSettings } from '../../configs/load';
import { NonRetryableError } from '../../domain/errors';

const parse = (text: string, env: NodeJS.ProcessEnv = {}) => parseSettings(text, 'test.yml', env);
const refusal = (text: string, env: NodeJS.ProcessEnv = {}): string => {
  try {
    parse(text, env);
  } catch (error) {
    expect(error).toBeInstanceOf(NonRetryableError);
    expect((error as NonRetryableError).type).toBe('InvalidSettings');
    return (error as Error).message;
  }
  throw new Error(`accepted: ${text}`);
};

test('the shipped file holds the schema’s defaults', () => {
  expect(loadSettings({})).toEqual(loadSettings({ ORDERS_CONFIG: '/dev/null' }));
});

test('the environment fills ${NAME:-default}; an empty variable counts as unset', () => {
  const settings = loadSettings({
    PGHOST: 'db.example',
    PGPORT: '6000',
    PGPASSWORD: '0123',
    KAFKA_BROKERS: 'a:1, b:2',
    LAKE_PATH: '/lake',
    PGUSER: '',
  });
  expect(settings.postgres).toMatchObject({
    host: 'db.example',
    port: 6000,
    password: '0123',
    user: 'orders',
  });
  expect(settings.kafka.brokers).toEqual(['a:1', 'b:2']);
  expect(settings.datalake.path).toBe('/lake');
});

test('a lake may be in a bucket, whose store the AWS variables name', () => {
  const { datalake } = loadSettings({
    LAKE_PATH: 's3://orders/eu/lake',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000',
    AWS_REGION: 'eu-west-1',
    S3_FORCE_PATH_STYLE: 'true',
  });
  expect(datalake.path).toBe('s3://orders/eu/lake');
  expect(datalake.s3).toEqual({
    endpoint: 'http://127.0.0.1:9000',
    region: 'eu-west-1',
    force_path_style: true,
    checksums: 'when_supported',
  });
  expect(parse('datalake: {path: "s3/orders:x"}').datalake.path).toMatch(/\/s3\/orders:x$/);
  expect(parse('datalake: {path: "s3://orders/a b/.hidden/"}').datalake.path).toBe(
    's3://orders/a b/.hidden/',
  );
});

test.each([
  ['postgress: {}', {}, 'did you mean postgres?'],
  ['cdc: {pol_interval_sec: 1}', {}, 'did you mean cdc.poll_interval_sec?'],
  ['cdc: {batch_limit: 0}', {}, 'cdc.batch_limit: found 0; must be at least 1'],
  ['cdc: {batch_limit: many}', {}, 'found "many"; must be a number'],
  ['cdc: {default_start_timestamp: yesterday}', {}, 'must be a timestamp such as'],
  ['kafka: {brokers: nowhere}', {}, 'must be host:port'],
  ['kafka: {num_partitions: "${UNSET_NAME}"}', {}, '${UNSET_NAME} is not set in the environment'],
  ['streaming: {checkpoint_location: x}', {}, 'has no effect any more'],
  ['datalake: {format: csv}', {}, 'found "csv"; must be parquet'],
  ['datalake: {path: "s3://orders"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "s3://orders/"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "s3:/orders/lake"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "S3://orders/lake"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "s3a://orders/lake"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "gs://orders/lake"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "s3://Orders/lake"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "s3://orders//lake"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {path: "s3://orders/a/../lake"}', {}, 'must be a directory, or s3://bucket/prefix'],
  ['datalake: {s3: {endpoint: "127.0.0.1:9000"}}', {}, 'must be http://host:port or https://host:port'],
  ['datalake: {s3: {secret_access_key: x}}', {}, 'datalake.s3.secret_access_key is not a setting'],
  ['datalake: {s3: {sse: {algorithm: AES256, kms_key_id: k}}}', {}, 'with aws:kms or aws:kms:dsse only'],
  ['validation: {enabled: false}', {}, 'kept in quarantine'],
  ['postgres: 5', {}, 'must be a map of keys'],
  ['[1, 2]', {}, 'must be a map of sections'],
  ['a: [', {}, 'line 1'],
])('%s is refused with file, key, finding and remedy', (text, env, message) => {
  expect(refusal(text, env)).toContain('test.yml: ');
  expect(refusal(text, env)).toContain(message);
});

test('a certificate is PEM text or a file of it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'orders-stream-pem-'));
  const file = join(directory, 'ca.pem');
  const text = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
  writeFileSync(file, text);
  try {
    const { postgres, kafka } = parse(`postgres: {ssl: {ca: "${file}"}}\nkafka: {ssl: {ca: "\${CA}"}}`, {
      CA: text,
    });
    expect(postgres.ssl).toEqual({ ca: text });
    expect(kafka.ssl).toEqual({ ca: text });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.each([
  ['kafka: {ssl: {ca: /nowhere.pem}}', 'kafka.ssl.ca: found "/nowhere.pem"; must be PEM text'],
  ['kafka: {ssl: {cert: x, key: s3cret}}', 'kafka.ssl.key: found "(hidden)"; must be PEM text'],
  ['postgres: {ssl: {crt: x, key: s3cret}}', 'postgres.ssl.crt is not a setting'],
  ['postgres: {ssl: require}', 'postgres.ssl: found "require"; '],
  [
    'kafka: {sasl: {mechanism: GSSAPI, username: u, password: "${PW:-}"}}',
    'must be plain or scram-sha-256 or',
  ],
  ['kafka: {sasl: {mechanism: plain, username: u, password: [s3cret]}}', 'sasl.password: found "(hidden)"; '],
  ['kafka: {sasl: [{password: s3cret}]}', 'kafka.sasl: found [{"password":"(hidden)"}]; must be a map'],
])('%s is refused without showing a secret', (text, message) => {
  expect(refusal(text)).toContain(message);
  expect(refusal(text)).not.toContain('s3cret');
});

test('every problem of a file is told at once', () => {
  const message = refusal('cdc: {batch_limit: 0, x: 1}\nkafka: {num_partitions: 0}');
  expect(message.split('\n')).toHaveLength(3);
});

test('a file that does not exist names itself and ORDERS_CONFIG', () => {
  expect(() => loadSettings({ ORDERS_CONFIG: './no/such.yml' })).toThrow(/no\/such\.yml.*ORDERS_CONFIG/s);
});

test('where metrics are served: an address, or none', () => {
  const listen = (value: string) =>
    parse(`telemetry: {metrics: {listen: '${value}'}}`).telemetry.metrics.listen;
  expect(listen('')).toBeUndefined();
  expect(listen('0.0.0.0:9464')).toEqual({ host: '0.0.0.0', port: 9464 });
  expect(listen('[::1]:0')).toEqual({ host: '::1', port: 0 });
  for (const wrong of ['9464', 'host', 'host:', 'host:70000', ':1'])
    expect(refusal(`telemetry: {metrics: {listen: '${wrong}'}}`)).toMatch(
      /telemetry\.metrics\.listen: found .*; must be host:port, such as 127\.0\.0\.1:9464/,
    );
  expect(refusal('telemetry: {metrics: {lisen: x}}')).toMatch(
    /telemetry\.metrics\.lisen is not a setting; did you mean telemetry\.metrics\.listen\?/,
  );
});
