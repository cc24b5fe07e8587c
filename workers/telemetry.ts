import type { Logger } from '@temporalio/worker';
import type { LogDetails, Telemetry } from '../ports';

/** What adapters tell goes where the worker's own lines go. */
export function workerTelemetry(logger: Logger): Telemetry {
  return {
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
