import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { registerSearchAttributes } from '../../../adapters/temporal/search-attributes';
import type { Home } from '../home';
import { findExecutable } from '../system/find-executable';
import type { ServerDefinition } from './definition';
import { findDownload } from './temporal-download';
import { installTemporal, presentTemporal } from './temporal-executable';
import { versions } from '../versions';

/** The one that a client uses if it names none. */
const NAMESPACE = 'default';

export const temporal: ServerDefinition = {
  name: 'temporal',
  ports: ['grpc', 'ui', 'http', 'metrics'],
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 20_000,

  async missingTools() {
    if (presentTemporal() ?? findExecutable('go')) return [];
    const answers = await findDownload().then(
      () => true,
      () => false,
    );
    if (answers) return [];
    const install =
      'Go 1.25 or newer, to build it once, as its download does not answer; or put a `temporal` executable on the PATH';
    return [{ name: 'go', neededFor: `the Temporal server ${versions.temporalServer}`, install }];
  },

  async prepare({ home, onProgress }) {
    const executable = await installTemporal(home.logFile('temporal-build'), onProgress);
    const directory = join(home.directory, 'temporal');
    mkdirSync(directory, { recursive: true });
    home.update('temporal', { dataDirectory: directory, executable });
    return { command: executable, args: serverArguments(home, directory), cwd: directory };
  },

  /** Through the Web UI's own door to the API: one answer shows that both the server and the UI work. */
  async request({ home }) {
    const url = `${uiAddress(home)}/api/v1/namespaces/${NAMESPACE}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    if (!response.ok)
      throw new Error(`${url} answers ${response.status}: ${(await response.text()).slice(0, 200)}`);
  },

  /** start-dev could do it too, but answers before it has done it. */
  async whenRunning({ home }) {
    const connection = await Connection.connect({ address: frontendAddress(home) });
    try {
      await registerSearchAttributes(connection, NAMESPACE);
    } finally {
      await connection.close();
    }
  },
};

export function frontendAddress(home: Home): string {
  const port = home.get('temporal').ports['grpc'];
  return port === undefined ? '' : `127.0.0.1:${port}`;
}

export function uiAddress(home: Home): string {
  const port = home.get('temporal').ports['ui'];
  return port === undefined ? '' : `http://127.0.0.1:${port}`;
}

function serverArguments(home: Home, directory: string): string[] {
  const { ports, settings } = home.get('temporal');
  const dynamicConfig = {
    // Lets a worker start an activity in the answer to its workflow task: half the round trip of 97 ms.
    'system.enableActivityEagerExecution': true,
    ...settings,
  };
  return [
    ...['server', 'start-dev', '--namespace', NAMESPACE, '--log-level', 'warn'],
    ...['--db-filename', join(directory, 'temporal.db')],
    // A write-ahead log that is flushed to disk now and then, not at each commit: one signal takes 2.3 ms instead
    // of 5–10 (measured on 2 cores). Killing the server loses nothing, the system has what it wrote. A power cut
    // may take the last moments, as it may from a single Kafka broker, which does not flush each record either.
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
    ...['--ip', '127.0.0.1', '--port', String(ports['grpc']), '--ui-port', String(ports['ui'])],
    ...['--http-port', String(ports['http']), '--metrics-port', String(ports['metrics'])],
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
  ];
}
