import type { LogDetails, Telemetry } from '../../ports';

/** For tests of something else. */
export const SILENT: Telemetry = { log: { info: () => undefined, warn: () => undefined } };

/** Keeps what is told. */
export function recorded(): Telemetry & { lines: [message: string, details?: LogDetails][] } {
  const lines: [message: string, details?: LogDetails][] = [];
  const keep = (message: string, details?: LogDetails) =>
    void lines.push(details === undefined ? [message] : [message, details]);
  return { lines, log: { info: keep, warn: keep } };
}
