import type { Metrics } from './metrics';

/** How activities and adapters tell those who run them what is worth knowing. Made by the worker or the command; required by each. */
export interface Telemetry {
  log: Log;
  metrics: Metrics;
  trace: Trace;
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

/**
 * The trace of the activity in whose course it is called. Where none is made, nothing here does anything. A place in a trace
 * is a W3C `traceparent`.
 */
export interface Trace {
  /** Whether {@link join} can be of use: looking for what to join costs. */
  readonly joins: boolean;
  /** Where what is done now stands in its trace, for whoever goes on with it; `undefined` where it is not sampled. */
  current(): string | undefined;
  /** What is read belongs to this trace. Of several the first is gone on with, the others are linked. */
  join(traceparent: string): void;
  /** Work with a span of its own below the activity's: a request or a file, never a row. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export const NO_TRACE: Trace = {
  joins: false,
  current: () => undefined,
  join: () => undefined,
  step: (_name, work) => work(),
};
