import type { Metrics } from './metrics';

/** How activities and adapters tell those who run them what is worth knowing. Made by the worker or the command; required by each. */
export interface Telemetry {
  log: Log;
  metrics: Metrics;
}

/** One line an event: `details` are printed as `name=value`. Never rows, never secrets. */
export interface Log {
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
}

export type LogDetails = Record<string, string | number | undefined>;
