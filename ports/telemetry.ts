/** How adapters tell those who run them what is worth knowing and is no failure. Made by the worker or the command; required by each. */
export interface Telemetry {
  log: Log;
}

/** One line an event: `details` are printed as `name=value`. Never rows, never secrets. */
export interface Log {
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
}

export type LogDetails = Record<string, string | number | undefined>;
