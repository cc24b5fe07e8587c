import { join } from 'node:path';
import { stringify } from 'yaml';

interface PrometheusOptions {
  /** `host:port` of workers' processes; or a JSON file with them, which is read again when it changes. */
  targets: readonly string[] | { file: string };
  rulesFile: string;
  /** Between scrapes, and between evaluations of the rules. */
  intervalSeconds: number;
}

/** The text of prometheus.yml. */
export function prometheusConfig({ targets, rulesFile, intervalSeconds }: PrometheusOptions): string {
  const interval = `${intervalSeconds}s`;
  const source =
    'file' in targets
      ? { file_sd_configs: [{ files: [targets.file] }] }
      : { static_configs: [{ targets: [...targets] }] };
  return stringify({
    global: { scrape_interval: interval, evaluation_interval: interval, scrape_timeout: interval },
    rule_files: [rulesFile],
    scrape_configs: [{ job_name: 'orders-stream', ...source }],
  });
}

/** For a Prometheus whose prometheus.yml is in the directory; its data goes there as well. */
export function prometheusArguments(directory: string, address: string): string[] {
  return [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--log.level=warn',
  ];
}
