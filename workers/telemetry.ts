import type { Logger } from '@temporalio/worker';
import type { MetricMeter } from '@temporalio/common';
import type { LogDetails, Telemetry } from '../ports';
import { createMetrics } from './metrics';

/** What activities and adapters tell goes where the worker's own lines and figures go. */
export function workerTelemetry(logger: Logger, meter: MetricMeter): Telemetry {
  return {
    metrics: createMetrics(meter),
    log: {
      info: (message, details) => void logger.info(line(message, details)),
      warn: (message, details) => void logger.warn(line(message, details)),
    },
  };
}

function line(message: string, details: LogDetails = {}): string {
  const known = Object.entries(details).filter(([, value]) => value !== undefined);
  return [message, ...known.map(([name, value]) => `${name}=${value}`)].join(' ');
}
