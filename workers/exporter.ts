import { Runtime, type Logger, type TelemetryOptions } from '@temporalio/worker';
import { loadOtlp, type Otlp } from '../configs/otlp';
import { freePort } from './free-port';
import { BUCKETS } from './metrics';

/** Another process may take a port between our look and the exporter's use of it. */
const TRIES = 5;

/** Metrics by OTLP, where somebody collects them. */
function pushing(otlp: Otlp | undefined): TelemetryOptions['metrics'] {
  if (otlp === undefined) return undefined;
  const { url, http, headers, intervalMs, serviceName } = otlp;
  return {
    attachServiceName: false,
    otel: {
      url,
      http,
      headers,
      metricsExportInterval: intervalMs,
      useSecondsForDurations: true,
      histogramBucketOverrides: BUCKETS,
    },
    globalTags: { service_name: serviceName },
  };
}

/**
 * Installs the SDK's runtime with our logger and, where somebody collects them, its metrics and ours. `read` gives them in
 * the text format of Prometheus; it is absent where they are pushed or nobody asks for them.
 */
export async function installRuntime(
  logger: Logger,
  { scraped }: { scraped: boolean },
): Promise<{ read?: (signal: AbortSignal) => Promise<string> }> {
  const install = (metrics: TelemetryOptions['metrics']) =>
    void Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { metrics } });
  if (!scraped) {
    install(pushing(loadOtlp('metrics')));
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
