import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';

export interface PrometheusOptions {
  executable: string;
  /** Configuration, data and log. */
  directory: string;
  port: number;
  /** `host:port` of workers' processes. */
  targets: string[];
  rulesFile: string;
  /** Between scrapes and evaluations; shorter in tests. */
  intervalSeconds: number;
}

export interface Alert {
  name: string;
  state: 'pending' | 'firing';
  labels: Record<string, string>;
}

const READY_TIMEOUT_MS = 30_000;

/** A real Prometheus on loopback. */
export class Prometheus {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly directory: string,
    private readonly options: PrometheusOptions,
  ) {}

  /** Resolves when it answers. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const { executable, directory, port } = options;
    mkdirSync(directory, { recursive: true });
    writeConfig(options);
    const log = openSync(join(directory, 'prometheus.log'), 'a');
    const args = [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
    ];
    const child = spawn(executable, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`, child, directory, options);
    const end = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      const ready = await fetch(`${prometheus.url}/-/ready`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return prometheus;
      if (Date.now() > end || child.exitCode !== null)
        throw new Error(`Prometheus does not answer at ${prometheus.url}; its log: ${directory}/prometheus.log`);
      await sleep(100);
    }
  }

  /** Scrapes other processes from now on. */
  async retarget(targets: string[]): Promise<void> {
    writeConfig({ ...this.options, directory: this.directory, targets });
    await fetch(`${this.url}/-/reload`, { method: 'POST' });
  }

  async alerts(): Promise<Alert[]> {
    const { data } = (await (await fetch(`${this.url}/api/v1/alerts`)).json()) as {
      data: { alerts: { labels: Record<string, string>; state: Alert['state'] }[] };
    };
    return data.alerts.map(({ labels, state }) => ({ name: labels['alertname'] ?? '', state, labels }));
  }

  /** Each series with its value now. */
  async query(expr: string): Promise<{ labels: Record<string, string>; value: number }[]> {
    const response = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expr)}`);
    const body = (await response.json()) as {
      error?: string;
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    if (body.data === undefined) throw new Error(`${expr}: ${body.error}`);
    return body.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode !== null || !this.child.kill('SIGTERM')) return;
    await ended;
  }
}

function writeConfig({ directory, targets, rulesFile, intervalSeconds }: PrometheusOptions): void {
  const interval = `${intervalSeconds}s`;
  const config = {
    global: { scrape_interval: interval, evaluation_interval: interval, scrape_timeout: interval },
    rule_files: [rulesFile],
    scrape_configs: [{ job_name: 'orders-stream', static_configs: [{ targets }] }],
  };
  writeFileSync(join(directory, 'prometheus.yml'), stringify(config));
}
