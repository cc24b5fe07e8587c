import type { MetricMeter } from '@temporalio/common';
import type { Telemetry } from '../ports';
import type { Logs, Module } from './logger';
import { createMetrics } from './metrics';

/** What activities and adapters tell, by the part that tells it: it goes where the worker's own lines and figures go. */
export function workerTelemetry(logs: Logs, meter: MetricMeter): (module: Module) => Telemetry {
  const metrics = createMetrics(meter);
  return (module) => ({ log: logs.of(module), metrics });
}
