import type { Metrics } from './metrics';

/** How activities and adapters tell those who run them what is worth knowing. Made by the worker or the command; required by each. */
export interface Telemetry {
  log: Log;
  metrics: Metrics;
}

/** One line an event, its details as fields of their own. Never rows, never secrets. */
export interface Log {
  debug(message: string, details?: LogDetails): void;
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
  /** For what somebody has to mend. */
  error(message: string, details?: LogDetails): void;
}

export type LogDetails = Record<string, string | number | undefined>;

/** What workflows tell the worker that runs them: no command, so no history knows of it. A type, as sinks need an index signature. */
export type HistorySinks = { history: { size(events: number, bytes: number): void } };
