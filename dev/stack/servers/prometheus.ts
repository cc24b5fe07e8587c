import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../home';
import type { ServerDefinition } from './definition';
import { prometheusArguments, prometheusConfig } from './prometheus-config';
import { installPrometheus, missingForPrometheus } from './prometheus-executable';

/** Where workers of a shell with the stack's variables serve their metrics: capture here, landing at the next port. */
export const METRICS_LISTEN = '127.0.0.1:9464';
const TARGETS = [METRICS_LISTEN, METRICS_LISTEN.replace(/\d+$/, (port) => String(Number(port) + 1))];

const INTERVAL_SECONDS = 5;

/** What watches the workers: not needed by a pipeline. */
export const prometheus: ServerDefinition = {
  name: 'prometheus',
  ports: ['web'],
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 20_000,
  missingTools: missingForPrometheus,

  async prepare({ home, onProgress }) {
    const { prometheus: command } = await installPrometheus(home.logFile('prometheus-install'), onProgress);
    const directory = join(home.directory, 'prometheus');
    mkdirSync(directory, { recursive: true });
    home.update('prometheus', { dataDirectory: directory });
    writeFileSync(
      join(directory, 'prometheus.yml'),
      prometheusConfig({
        targets: TARGETS,
        rulesFile: join(__dirname, '../../../ops/alerts.yml'),
        intervalSeconds: INTERVAL_SECONDS,
      }),
    );
    return { command, args: prometheusArguments(directory, prometheusAddress(home)), cwd: directory };
  },

  async request({ home }) {
    const url = `http://${prometheusAddress(home)}/-/ready`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  },
};

/** `host:port`; empty where it was never started. */
export function prometheusAddress(home: Home): string {
  const port = home.get('prometheus').ports['web'];
  return port === undefined ? '' : `127.0.0.1:${port}`;
}
