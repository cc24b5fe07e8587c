/** Secrets come from variables or from files that variables name; where they stand in clear, nothing starts, and nothing shows them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '../../configs/load';
import { loadOtlp } from '../../configs/otlp';
import { loadTemporal } from '../../configs/temporal';
import { NonRetryableError } from '../../domain/errors';

const SECRET = 's3cret';
const PEM = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`;

let directory: string;
let files = 0;
const file = (content: string | Buffer): string => {
  const path = join(directory, `file-${files++}`);
  writeFileSync(path, content);
  return path;
};
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'orders-stream-secrets-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const parse = (text: string, env: NodeJS.ProcessEnv = {}) => parseSettings(text, 'test.yml', env);
/** What InvalidSettings says, in which no secret stands. */
const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    expect(error).toMatchObject({ type: 'InvalidSettings' });
    expect(error).toBeInstanceOf(NonRetryableError);
    expect(String((error as Error).stack) + String((error as Error).cause)).not.toContain(SECRET);
    return (error as Error).message;
  }
  throw new Error('accepted');
};

const PASSWORD = 'postgres: {password: "${PGPASSWORD:-}"}';

describe('NAME_FILE', () => {
  test.each([
    ['a line', 'a b \n', 'a b '],
    ['a line of Windows', 'pässword\r\n', 'pässword'],
    ['no final newline', 'x', 'x'],
    ['two final newlines', 'x\n\n', 'x\n'],
  ])('%s', (_name, content, password) => {
    const env = { PGPASSWORD: '', PGPASSWORD_FILE: file(content) };
    expect(parse(PASSWORD, env).postgres.password).toBe(password);
  });

  test('counts for any variable, and may name a file of a key', () => {
    const env = { HOST_FILE: file('db.example\n'), KEY_FILE: file(PEM) };
    const { postgres } = parse('postgres: {host: "${HOST}", ssl: {key: "${KEY}"}}', env);
    expect(postgres).toMatchObject({ host: 'db.example', ssl: { key: PEM.trimEnd() } });
  });

  test.each([
    ['nobody', () => '/no/such/file', /PGPASSWORD_FILE names \/no\/such\/file, which is not there/],
    ['a directory', () => directory, /PGPASSWORD_FILE names \/.*, which is a directory, not a file/],
    ['an empty file', () => file('\n'), /PGPASSWORD_FILE names \/.*file-\d+, which is empty/],
    [
      'no text',
      () => file(Buffer.from([0xff, 0xfe])),
      /PGPASSWORD_FILE names \/.*, which is not text in UTF-8/,
    ],
    ['the secret itself', () => SECRET, /PGPASSWORD_FILE names a file, which is not there/],
  ])('%s: the message names variable and file', (_name, path, message) => {
    expect(refusal(() => parse(PASSWORD, { PGPASSWORD_FILE: path() }))).toMatch(message);
  });

  test('both are refused, as nobody knows which is meant', () => {
    const env = { PGPASSWORD: SECRET, PGPASSWORD_FILE: file(SECRET) };
    expect(refusal(() => parse(PASSWORD, env))).toBe(
      'test.yml: PGPASSWORD and PGPASSWORD_FILE are both set; unset one',
    );
  });

  test('a variable that is missing names it, with a default only where one is allowed', () => {
    const missing = (text: string) => refusal(() => parse(text));
    expect(missing('postgres: {host: "${H}"}')).toMatch(
      /or H_FILE to a file that holds it, or write \$\{H:-d/,
    );
    expect(missing('postgres: {password: "${P}"}')).toMatch(/or P_FILE to a file that holds it$/);
  });

  test('what came out of a file is not shown, wherever it is used', () => {
    const env = { X_FILE: file(SECRET) };
    for (const setting of ['kafka: {num_partitions: "${X}"}', 'kafka: {brokers: ["a${X}"]}'])
      expect(refusal(() => parse(setting, env))).toContain('(hidden)');
  });

  test('Temporal’s own variables', () => {
    const { connection } = loadTemporal({
      TEMPORAL_API_KEY_FILE: file('key\n'),
      TEMPORAL_TLS_CLIENT_CERT_DATA: 'cert',
      TEMPORAL_TLS_CLIENT_KEY_DATA_FILE: file(PEM),
      TEMPORAL_GRPC_META_AUTHORIZATION_FILE: file('token'),
    });
    expect(connection).toMatchObject({ apiKey: 'key', metadata: { authorization: 'token' } });
    expect(Object.keys(connection.metadata ?? {})).toEqual(['authorization']);
    const { clientCertPair } = connection.tls as { clientCertPair: { key: Uint8Array } };
    expect(Buffer.from(clientCertPair.key).toString()).toBe(PEM.trimEnd());
    const both = { TEMPORAL_API_KEY: SECRET, TEMPORAL_API_KEY_FILE: file(SECRET) };
    expect(refusal(() => loadTemporal(both))).toMatch(/TEMPORAL_API_KEY and TEMPORAL_API_KEY_FILE are both/);
  });

  test('the headers for a collector', () => {
    const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
    const headers = { OTEL_EXPORTER_OTLP_HEADERS_FILE: file('api-key=a%20b\n') };
    expect(loadOtlp('traces', { ...collector, ...headers })?.headers).toEqual({ 'api-key': 'a b' });
    const wrong = { OTEL_EXPORTER_OTLP_HEADERS: `api-key=%${SECRET}` };
    expect(refusal(() => loadOtlp('traces', { ...collector, ...wrong }))).toMatch(
      /has a value with a %.*write %25/,
    );
  });
});

describe('a secret in clear', () => {
  const sasl = (password: string) => `kafka: {sasl: {mechanism: plain, username: u, password: ${password}}}`;

  test.each([
    [
      'postgres: {password: s3cret}',
      'postgres.password is in clear; write ${PGPASSWORD} there and set PGPASSWORD,',
    ],
    ['postgres: {password: 1234}', 'or PGPASSWORD_FILE to a file that holds it (docs/migrating.md)'],
    ['postgres: {password: &p s3cret, user: *p}', 'postgres.password is in clear'],
    ['postgres: {password: "s3cret${SUFFIX:-}"}', 'write ${SUFFIX} there'],
    [
      'postgres: {password: "${PW:-s3cret}"}',
      'postgres.password is in clear, as the fallback of PW; write ${PW} ',
    ],
    ['postgres: {password: "${A:-}${B:-s3cret}"}', 'as the fallback of B; write ${B} '],
    [sasl(SECRET), 'kafka.sasl.password is in clear; write ${KAFKA_PASSWORD} there and set KAFKA_PASSWORD,'],
    [
      `kafka: {ssl: {key: ${JSON.stringify(PEM)}}}`,
      'kafka.ssl.key holds a private key in clear; write the path',
    ],
    [`postgres: {ssl: {cert: ${JSON.stringify(PEM)}}}`, 'postgres.ssl.cert holds a private key in clear'],
    [`postgres: {ssl: {key: ${JSON.stringify(`\${K:-${PEM}}`)}}}`, 'write ${POSTGRES_SSL_KEY} and set'],
  ])('%s is refused, and told how to do it right', (text, message) => {
    expect(refusal(() => parse(text))).toContain(message);
  });

  test('what the message says is accepted', () => {
    for (const env of [{ PGPASSWORD: SECRET }, { PGPASSWORD_FILE: file(SECRET) }])
      expect(parse('postgres: {password: "${PGPASSWORD}"}', env).postgres.password).toBe(SECRET);
    const env = { KAFKA_PASSWORD_FILE: file(SECRET), KAFKA_SSL_KEY_FILE: file(PEM) };
    expect(parse(sasl('"${KAFKA_PASSWORD}"'), env).kafka.sasl?.password).toBe(SECRET);
    expect(parse('kafka: {ssl: {key: "${KAFKA_SSL_KEY}"}}', env).kafka.ssl).toEqual({ key: PEM.trimEnd() });
    expect(parse(`kafka: {ssl: {key: "${env.KAFKA_SSL_KEY_FILE}"}}`).kafka.ssl).toEqual({ key: PEM });
  });

  test('what docs/migrating.md says is accepted', () => {
    const page = readFileSync(join(__dirname, '../../docs/migrating.md'), 'utf8');
    const [, example = ''] = /```yaml\n([^]*?)```/.exec(page)!;
    const text = example.replace('/etc/orders/orders-key.pem', file(PEM));
    const env = { PGPASSWORD_FILE: file('one'), KAFKA_PASSWORD: 'two' };
    const { postgres, kafka } = parse(text, env);
    expect([postgres.password, kafka.sasl?.password, kafka.ssl]).toEqual(['one', 'two', { key: PEM }]);
  });

  test('an empty password is none', () => {
    for (const written of ['""', '"${PW:-}"'])
      expect(parse(`postgres: {password: ${written}}`).postgres.password).toBe('');
  });
});

test.each([
  ['a value that begins a map', 'postgres: {password: s3cret: x}'],
  ['a quote that does not end', 'postgres:\n  password: "s3cret'],
  ['a name that nothing has', 'postgres: {password: *s3cret}'],
  ['a header of a block', 'postgres:\n  password: |s3cret\n    x'],
  ['a tab', 'postgres:\n\tpassword: s3cret'],
  ['two keys', 'postgres: {password: s3cret, password: s3cret}'],
  ['a list', '- s3cret'],
  ['text', 's3cret'],
  ['an unknown key', 'postgres: {pasword: s3cret}'],
  ['another type', 'postgres: {password: {s3cret: s3cret}}'],
])('settings that are no YAML, or none of ours, do not show what they hold: %s', (_name, text) => {
  refusal(() => parse(text));
});

test('Temporal’s configuration file, and a key where its path is meant, do not show what they hold', () => {
  mkdirSync(join(directory, 'toml'));
  const TEMPORAL_CONFIG_FILE = file(`[profile.default]\napi_key = ${SECRET}\n`);
  expect(refusal(() => loadTemporal({ TEMPORAL_CONFIG_FILE }))).toMatch(
    /Temporal’s own settings.*\(line 2\)$/,
  );
  const key = { TEMPORAL_TLS_CLIENT_KEY_PATH: PEM, TEMPORAL_TLS_CLIENT_CERT_DATA: 'x' };
  expect(refusal(() => loadTemporal({ HOME: directory, ...key }))).toMatch(/ENOENT/);
});
