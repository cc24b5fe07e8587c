import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Home } from '../home';
import { unprivilegedAccount, type Account } from '../system/accounts';
import { runStep } from '../system/run-step';
import type { ServerContext, ServerDefinition } from './definition';
import { chooseDataDirectory } from './postgres-data-directory';
import { findPackage, installBinaries, missingPackage } from './postgres-binaries';

/** Owner of everything, and the database that clients are sent to. */
export const postgresUser = 'orders';
export const postgresDatabase = 'orders';

export const postgres: ServerDefinition = {
  name: 'postgres',
  ports: ['sql'],
  stopSignal: 'SIGINT', // "fast" shutdown: SIGTERM would wait for the last client to leave
  stopTimeoutMs: 20_000,
  missingTools: () => (findPackage() ? [] : [missingPackage()]),

  async prepare(context) {
    const { home } = context;
    const account = unprivilegedAccount();
    const binaries = await installBinaries(account, context.onProgress);
    const directory = chooseDataDirectory(home, account);
    const password = home.get('postgres').secret ?? randomBytes(18).toString('base64url');
    home.update('postgres', { dataDirectory: directory, secret: password });
    const data = join(directory, 'data');
    if (!existsSync(data)) await initialize({ context, binaries, directory, account, password });
    // We know that no server of ours runs. A file that a killed one left would stop the next one if its pid
    // meanwhile belongs to another process; two servers on one directory are still ruled out by its shared memory.
    rmSync(join(data, 'postmaster.pid'), { force: true });
    const port = home.get('postgres').ports['sql'] ?? 0;
    return {
      command: join(binaries, 'bin', 'postgres'),
      args: serverArguments(data, port),
      cwd: directory,
      account,
    };
  },

  async request({ home }) {
    try {
      await query(home, postgresDatabase, 'SELECT 1');
    } catch (error) {
      if ((error as { code?: unknown }).code !== '3D000') throw error; // 3D000: no such database, not yet
      await query(home, 'postgres', `CREATE DATABASE "${postgresDatabase}"`);
    }
  },

  remedy: (log) =>
    log.includes('pre-existing shared memory block')
      ? 'A PostgreSQL process that the stack does not know of still uses this data: find it with ps and stop it.'
      : undefined,
};

/** Given on the command line, not in postgresql.conf, so that a data directory of an older checkout gets them too. */
function serverArguments(data: string, port: number): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '', // the default, /tmp, is shared with every other PostgreSQL of the machine
    max_connections: 200, // tests open a pool for each suite and each worker
    max_prepared_transactions: 64, // off by default; capture's late-commit horizon is tested with them
    fsync: 'on', // the default, said aloud: a killed server must come back with all that it confirmed
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

interface Initialization {
  context: ServerContext;
  binaries: string;
  directory: string;
  account: Account | undefined;
  password: string;
}

/** Makes the data directory under another name first: an interrupted initdb must not pass for a finished one. */
async function initialize({
  context,
  binaries,
  directory,
  account,
  password,
}: Initialization): Promise<void> {
  context.onProgress('PostgreSQL: making its data directory, once');
  const making = join(directory, 'data.making');
  const passwordFile = join(directory, 'password.tmp');
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account) for (const path of [making, passwordFile]) chownSync(path, account.uid, account.gid);
  try {
    await runStep({
      title: 'PostgreSQL: initdb',
      command: join(binaries, 'bin', 'initdb'),
      args: [
        ...['-D', making, '-U', postgresUser, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        // PostgreSQL's own C.UTF-8: the same order of strings on every machine, whatever its C library has.
        ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ],
      cwd: directory,
      account,
      logFile: context.home.logFile('postgres'),
      onProgress: context.onProgress,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  chmodSync(making, 0o700);
  renameSync(making, join(directory, 'data'));
}

async function query(home: Home, database: string, sql: string): Promise<void> {
  const { ports, secret } = home.get('postgres');
  const client = new Client({
    host: '127.0.0.1',
    port: ports['sql'] ?? 0,
    user: postgresUser,
    password: secret,
    database,
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
    ssl: false,
  });
  client.on('error', () => undefined); // a server that goes away while it starts is seen by the query itself
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}
