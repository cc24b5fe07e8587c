import { createServer, type AddressInfo } from 'node:net';
import { Runtime, type Logger, type TelemetryOptions } from '@temporalio/worker';
import { BUCKETS } from './metrics';

/** Another process may take a port between our look and the exporter's use of it. */
const TRIES = 5;

/** Metrics by OTLP, where the standard variables ask for it. Signals may have endpoints of their own. */
function otlp(env: NodeJS.ProcessEnv): TelemetryOptions['metrics'] {
  const own = env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'];
  const all = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const protocol =
    env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf';
  const http = protocol !== 'grpc';
  const url = own ?? (all === undefined ? undefined : http ? `${all.replace(/\/$/, '')}/v1/metrics` : all);
  if (url === undefined || url === '' || env['OTEL_METRICS_EXPORTER'] === 'none') return undefined;
  return {
    attachServiceName: false,
    otel: {
      url,
      http,
      headers: headersOf(env['OTEL_EXPORTER_OTLP_METRICS_HEADERS'] ?? env['OTEL_EXPORTER_OTLP_HEADERS']),
      metricsExportInterval: Number(env['OTEL_METRIC_EXPORT_INTERVAL'] ?? 60_000),
      useSecondsForDurations: true,
      histogramBucketOverrides: BUCKETS,
    },
    globalTags: { service_name: env['OTEL_SERVICE_NAME'] ?? 'orders-stream' },
  };
}

/** `name=value,name=value`, values percent-encoded. */
function headersOf(text = ''): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}

/**
 * Installs the SDK's runtime with our logger and, where somebody collects them, its metrics and ours. `read` gives them in
 * the text format of Prometheus; it is absent where they are pushed or nobody asks for them.
 */
export async function installRuntime(
  logger: Logger,
  { scraped, env = process.env }: { scraped: boolean; env?: NodeJS.ProcessEnv },
): Promise<{ read?: (signal: AbortSignal) => Promise<string> }> {
  const install = (metrics: TelemetryOptions['metrics']) =>
    void Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { metrics } });
  if (!scraped) {
    install(otlp(env));
    return {};
  }
  for (let attempt = 1; ; attempt += 1) {
    // The exporter says nothing of the port that it takes, so it gets a free one; outside it is reached through us alone.
    const bindAddress = `127.0.0.1:${await freePort()}`;
    try {
      install({
        attachServiceName: false,
        prometheus: {
          bindAddress,
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
          histogramBucketOverrides: BUCKETS,
        },
      });
      return { read: async (signal) => (await fetch(`http://${bindAddress}/metrics`, { signal })).text() };
    } catch (error) {
      if (attempt === TRIES) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
