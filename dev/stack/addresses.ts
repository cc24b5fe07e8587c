import type { Home } from './home';
import { brokers } from './servers/kafka';
import { s3Addresses } from './servers/s3';
import { postgresDatabase, postgresUser } from './servers/postgres';
import { frontendAddress, uiAddress } from './servers/temporal';
import { presentTemporal } from './servers/temporal-executable';
import { serverNames, type ServerName, type StackAddresses, type StackOptions } from './types';

/** Addresses of the stack as far as they are known, without starting anything. */
export function addressesOf(home: Home, options: StackOptions): StackAddresses {
  const outside = fromEnvironment(home, options);
  const parts = serverNames.map((name) => outside[name] ?? own[name](home));
  return Object.assign({}, ...parts, s3Addresses(home)) as StackAddresses;
}

type Part = Partial<StackAddresses>;

/** Addresses of the servers the stack itself starts. */
const own: Record<ServerName, (home: Home) => Part> = {
  postgres(home) {
    const { ports, secret = '' } = home.get('postgres');
    const port = ports['sql'];
    if (port === undefined) return { PGHOST: '', PGPORT: '', PGDATABASE: '', PGUSER: '', PGPASSWORD: '' };
    return {
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGDATABASE: postgresDatabase,
      PGUSER: postgresUser,
      PGPASSWORD: secret,
    };
  },
  kafka: (home) => ({ KAFKA_BROKERS: brokers(home) }),
  temporal: (home) => ({
    TEMPORAL_ADDRESS: frontendAddress(home),
    TEMPORAL_CLI: home.get('temporal').executable ?? '',
    TEMPORAL_UI: uiAddress(home),
  }),
};

/**
 * The servers that the environment names. One whose address is that of our own server does not count: after
 * `eval "$(npm run --silent stack -- env)"` in a shell, `up` there must still be able to restart what died.
 */
export function fromEnvironment(home: Home, options: StackOptions): Partial<Record<ServerName, Part>> {
  if (options.useEnvironment === false) return {};
  const env = process.env;
  const found: Partial<Record<ServerName, Part>> = {};
  const { PGHOST, KAFKA_BROKERS, TEMPORAL_ADDRESS } = env;
  const { PGPORT = '5432', PGUSER = postgresUser, PGDATABASE = PGUSER, PGPASSWORD = '' } = env;
  const ours = own.postgres(home);
  if (PGHOST && !(PGHOST === ours.PGHOST && PGPORT === ours.PGPORT)) {
    found.postgres = { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD };
  }
  if (KAFKA_BROKERS && KAFKA_BROKERS !== brokers(home)) found.kafka = { KAFKA_BROKERS };
  if (TEMPORAL_ADDRESS && TEMPORAL_ADDRESS !== frontendAddress(home)) {
    const { TEMPORAL_UI = '' } = env;
    found.temporal = { TEMPORAL_ADDRESS, TEMPORAL_UI, TEMPORAL_CLI: presentTemporal() ?? '' };
  }
  return found;
}
