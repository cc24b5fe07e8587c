/** PostgreSQL, Kafka and Temporal for the demo: the stack of this checkout, or what the environment names. */
import { down, status, up, type AnyServerName, type StackAddresses } from '../stack';
import { titles } from '../stack/types';
import { detail, dim } from './print';

export interface Servers {
  /** Brings them up and puts their addresses into the environment, where settings and workers look for them. */
  start(): Promise<StackAddresses>;
  /** Stops those that were not running before. Not while they are being started. */
  stopStarted(): Promise<void>;
}

/** @param s3 an S3 server, too, and the lake there unless the environment names another place */
export async function demoServers({ s3 }: { s3: boolean }): Promise<Servers> {
  const absent: AnyServerName[] = (await status())
    .filter(({ running, fromEnvironment }) => !running && !fromEnvironment)
    .map(({ server }) => server);
  if (s3 && (await status({ servers: ['s3'] })).some(({ running }) => !running)) absent.push('s3');
  return {
    async start() {
      if (absent.length === 0) detail(dim('all run already'));
      const addresses = await up({ s3: s3 || undefined, onProgress: (line) => detail(dim(line)) });
      // Where PGHOST is given, another PGDATABASE or PGUSER is meant for that server, be it the stack's own.
      const given = process.env['PGHOST'] ? process.env : {};
      for (const [name, value] of Object.entries(addresses) as [string, string][]) {
        if (value !== '' && !(name.startsWith('PG') && given[name])) process.env[name] = value;
      }
      for (const { server, address, fromEnvironment } of await status()) {
        const whose = fromEnvironment ? dim('  named by the environment') : '';
        detail(`${titles[server].padEnd(12)}${address}${whose}`);
      }
      return addresses;
    },
    async stopStarted() {
      if (absent.length > 0) await down({ servers: absent });
    },
  };
}
