import { NO_METRICS, NO_TRACE, type Telemetry } from '../ports';

const ignore = () => undefined;

/** A command prints its findings and failures itself. */
export const COMMAND_TELEMETRY: Telemetry = {
  log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  metrics: NO_METRICS,
  trace: NO_TRACE,
};
