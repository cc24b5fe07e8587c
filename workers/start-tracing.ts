import { loadOtlp } from '../configs/otlp';
import type { Log } from '../ports';
import type { Tracing } from './tracing';

/**
 * Traces, where the settings ask for them and the standard variables name a collector; else `undefined`, and nothing of
 * OpenTelemetry is loaded.
 */
export async function startTracing(options: {
  ratio: number;
  resource: Record<string, string | number>;
  log: Log;
}): Promise<Tracing | undefined> {
  const { ratio, log } = options;
  if (ratio === 0) return undefined;
  const otlp = loadOtlp('traces');
  if (otlp === undefined) {
    log.warn(
      `no traces are made: telemetry.traces.sample_ratio is ${ratio}, but no collector is named. ` +
        'Set OTEL_EXPORTER_OTLP_ENDPOINT, such as http://127.0.0.1:4318, or the ratio to 0',
      { event: 'not_observed' },
    );
    return undefined;
  }
  const { createTracing } = await import('./tracing');
  return createTracing(otlp, options);
}
