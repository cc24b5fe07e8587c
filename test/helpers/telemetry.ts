import { NO_METRICS, NO_TRACE, type LogDetails, type Telemetry } from '../../ports';

/** For tests of something else. */
export { COMMAND_TELEMETRY as SILENT } from '../../cli/telemetry';

/** Keeps what is told. */
export function recorded(): Telemetry & { lines: [message: string, details?: LogDetails][] } {
  const lines: [message: string, details?: LogDetails][] = [];
  const keep = (message: string, details?: LogDetails) =>
    void lines.push(details === undefined ? [message] : [message, details]);
  return {
    lines,
    log: { debug: keep, info: keep, warn: keep, error: keep },
    metrics: NO_METRICS,
    trace: NO_TRACE,
  };
}
