import { NO_METRICS, type Telemetry } from '../ports';

/** A command prints its findings and failures itself. */
export const COMMAND_TELEMETRY: Telemetry = {
  log: { info: () => undefined, warn: () => undefined },
  metrics: NO_METRICS,
};
