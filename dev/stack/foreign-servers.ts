import { accepts } from './system/ports';
import { StackError, serverNames, titles, type ServerName, type StackAddresses } from './types';

type Outside = Partial<Record<ServerName, unknown>>;

/** Host and port pairs of a server the environment names, and the variable that does so. */
const endpoints: Record<ServerName, { variable: string; list: (addresses: StackAddresses) => string[] }> = {
  postgres: {
    variable: 'PGHOST',
    list: ({ PGHOST, PGPORT }) => (PGHOST.startsWith('/') ? [] : [`${PGHOST}:${PGPORT}`]),
  },
  kafka: { variable: 'KAFKA_BROKERS', list: ({ KAFKA_BROKERS }) => KAFKA_BROKERS.split(',') },
  temporal: { variable: 'TEMPORAL_ADDRESS', list: ({ TEMPORAL_ADDRESS }) => [TEMPORAL_ADDRESS] },
};

/**
 * Servers of others are only checked to accept a connection: how to log in to them (TLS, SASL, API keys) is for
 * the pipeline's settings to know.
 */
export async function requireAnswers(addresses: StackAddresses, outside: Outside): Promise<void> {
  for (const name of serverNames.filter((server) => server in outside)) {
    const { variable, list } = endpoints[name];
    if (await anyAccepts(list(addresses))) continue;
    throw new StackError(
      `${titles[name]}: nothing answers at ${list(addresses).join(', ')}, which ${variable} in the environment names. ` +
        `Start that server, or unset ${variable} to let the stack start its own.`,
    );
  }
}

/** Whether a server that the environment names accepts connections. */
export function foreignServerAnswers(name: ServerName, addresses: StackAddresses): Promise<boolean> {
  return anyAccepts(endpoints[name].list(addresses));
}

async function anyAccepts(list: string[]): Promise<boolean> {
  if (list.length === 0) return true; // a socket file: nothing to knock at
  const found = await Promise.all(
    list.map((address) => {
      const at = address.lastIndexOf(':');
      return accepts(address.slice(0, at), Number(address.slice(at + 1)), 5000);
    }),
  );
  return found.includes(true);
}
