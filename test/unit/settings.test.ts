import { loadSettings, parseSettings } from '../../configs/load';
import { LastingFailure } from '../../model/errors';

const parse = (text: string, env: NodeJS.ProcessEnv = {}) => parseSettings(text, 'test.yml', env);
const refusal = (text: string, env: NodeJS.ProcessEnv = {}): string => {
  try {
    parse(text, env);
  } catch (error) {
    expect(error).toBeInstanceOf(LastingFailure);
    expect((error as LastingFailure).type).toBe('InvalidSettings');
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
  ['validation: {enabled: false}', {}, 'kept in quarantine'],
  ['postgres: 5', {}, 'must be a map of keys'],
  ['[1, 2]', {}, 'must be a map of sections'],
  ['a: [', {}, 'line 1'],
])('%s is refused with file, key, finding and remedy', (text, env, message) => {
  expect(refusal(text, env)).toContain('test.yml: ');
  expect(refusal(text, env)).toContain(message);
});

test('every problem of a file is told at once', () => {
  const message = refusal('cdc: {batch_limit: 0, x: 1}\nkafka: {num_partitions: 0}');
  expect(message.split('\n')).toHaveLength(3);
});

test('a file that does not exist names itself and ORDERS_CONFIG', () => {
  expect(() => loadSettings({ ORDERS_CONFIG: 'no/such.yml' })).toThrow(/no\/such\.yml.*ORDERS_CONFIG/s);
});
