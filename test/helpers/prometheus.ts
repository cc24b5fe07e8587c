/** A real Prometheus for a test: it scrapes workers, evaluates rules, and answers queries. */
import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askPrometheus } from '../../dev/observe/ask';
import type { Workers } from '../../dev/workers';
import { killWithUs } from '../../dev/workers/kill-with-us';
import { prometheusArguments, prometheusConfig } from '../../dev/stack/servers/prometheus-config';
import { installPrometheus } from '../../dev/stack/servers/prometheus-executable';
import { freePort } from '../../workers/free-port';
import { eventually } from './pipeline';

interface Alert {
  name: string;
  state: 'pending' | 'firing';
  labels: Record<string, string>;
}

interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface Prometheus {
  alerts(): Promise<Alert[]>;
  /** Each series with its value now; an expression that is wrong throws. */
  query(expr: string): Promise<Sample[]>;
  /** Scrapes these from now on, and nobody else. */
  scrape(...urls: string[]): void;
  stop(): Promise<void>;
}

const INTERVAL_SECONDS = 1;

/** The programs, found or made. */
const prometheusTools = (directory: string) =>
  installPrometheus(join(directory, 'prometheus-install.log'), (line) => process.stderr.write(`${line}\n`));

/** Resolves when it answers; its configuration, data and log are in the directory. */
export async function startPrometheus(options: {
  directory: string;
  rulesFile: string;
}): Promise<Prometheus> {
  const directory = join(options.directory, 'prometheus');
  mkdirSync(directory, { recursive: true });
  const { prometheus } = await prometheusTools(directory);
  const file = join(directory, 'targets.json');
  const scrape = (...urls: string[]) => {
    writeFileSync(`${file}.tmp`, JSON.stringify([{ targets: urls.map((url) => new URL(url).host) }]));
    renameSync(`${file}.tmp`, file);
  };
  scrape();
  const { rulesFile } = options;
  writeFileSync(
    join(directory, 'prometheus.yml'),
    prometheusConfig({ targets: { file }, rulesFile, intervalSeconds: INTERVAL_SECONDS }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const log = openSync(join(directory, 'prometheus.log'), 'a');
  const child = spawn(prometheus, prometheusArguments(directory, address), {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  killWithUs(child);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await eventually(async () => {
    if (child.exitCode !== null)
      throw new Error(`Prometheus has ended; its log: ${directory}/prometheus.log`);
    expect((await fetch(`http://${address}/-/ready`)).status).toBe(200);
  });
  return {
    scrape,
    async alerts() {
      const { alerts } = await askPrometheus<{
        alerts: { labels: Record<string, string>; state: Alert['state'] }[];
      }>(`http://${address}/api/v1/alerts`);
      return alerts.map(({ labels, state }) => ({ name: labels['alertname'] ?? '', state, labels }));
    },
    async query(expr) {
      const { result } = await askPrometheus<{
        result: { metric: Record<string, string>; value: [number, string] }[];
      }>(`http://${address}/api/v1/query?query=${encodeURIComponent(expr)}`);
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Where a group's processes serve their metrics. */
export const endpointsOf = ({ endpoints }: Workers): string[] => [...endpoints.values()];

/** What `promtool …` printed, run in `ops`; it rejects where promtool is not content. */
export async function promtool(...args: string[]): Promise<string> {
  const { promtool: program } = await prometheusTools(tmpdir());
  const { stdout } = await promisify(execFile)(program, args, { cwd: join(__dirname, '../../ops') });
  return stdout;
}
