import type { MetricMeter } from '@temporalio/common';
import { NO_TRACE, type Telemetry } from '../ports';
import type { Logs, Module } from './logger';
import { createMetrics } from './metrics';
import type { Tracing } from './tracing';

/** What activities and adapters tell, by the part that tells it: it goes where the worker's own lines and figures go. */
export function workerTelemetry(
  logs: Logs,
  meter: MetricMeter,
  tracing: Tracing | undefined,
): (module: Module) => Telemetry {
  const metrics = createMetrics(meter);
  return (module) => ({ log: logs.of(module), metrics, trace: tracing?.of(module) ?? NO_TRACE });
}
