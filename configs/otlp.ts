import { cut } from '../domain/bounded';
import { NonRetryableError } from '../domain/errors';
import { withFiles } from './variables';

/** Where `NAME_FILE` may stand in their place: headers carry the collector's key. */
const SECRETS = /^OTEL_EXPORTER_OTLP_(\w+_)?HEADERS$/;

/** Where metrics or traces are pushed, by OpenTelemetry's standard variables. */
export interface Otlp {
  url: string;
  /** Else gRPC. */
  http: boolean;
  headers: Record<string, string>;
  /** Between two exports of metrics. */
  intervalMs: number;
  /** Spans wait so long for others to be sent with. */
  delayMs: number;
  serviceName: string;
}

/**
 * The collector that the variables name for a signal; `undefined` where they name none, or turn it off.
 *
 * @throws NonRetryableError InvalidSettings where headers cannot be read.
 */
export function loadOtlp(
  signal: 'metrics' | 'traces',
  variables: NodeJS.ProcessEnv = process.env,
): Otlp | undefined {
  const env = withFiles(SECRETS, variables);
  const NAME = signal.toUpperCase();
  const own = env[`OTEL_EXPORTER_OTLP_${NAME}_ENDPOINT`];
  const all = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const protocol =
    env[`OTEL_EXPORTER_OTLP_${NAME}_PROTOCOL`] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf';
  const http = protocol !== 'grpc';
  const url = own || (!all ? undefined : http ? `${all.replace(/\/$/, '')}/v1/${signal}` : all);
  if (url === undefined || url === '' || env[`OTEL_${NAME}_EXPORTER`] === 'none') return undefined;
  if (!URL.canParse(url))
    throw invalid(`OTEL_EXPORTER_OTLP_ENDPOINT (or the one of ${signal}) is no URL: ${cut(url, 200)}`);
  return {
    url,
    http,
    headers: headersOf(env[`OTEL_EXPORTER_OTLP_${NAME}_HEADERS`] ?? env['OTEL_EXPORTER_OTLP_HEADERS']),
    intervalMs: millisOf(env, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000),
    delayMs: millisOf(env, 'OTEL_BSP_SCHEDULE_DELAY', 5_000),
    serviceName: env['OTEL_SERVICE_NAME'] ?? 'orders-stream',
  };
}

function millisOf(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name] ?? String(fallback);
  // A timer takes no more than 2^31 ms.
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw invalid(`${name} is ${cut(text, 40)}, not milliseconds such as ${fallback}`);
  return Number(text);
}

/** `name=value,name=value`, values percent-encoded. */
function headersOf(text = ''): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())];
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value))
        throw invalid(
          'OTEL_EXPORTER_OTLP_HEADERS (or the one of metrics) has a name or value that no header has',
        );
      return [name, value];
    }),
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalid(
      'OTEL_EXPORTER_OTLP_HEADERS (or the one of metrics or traces) has a value with a % that begins no character; write %25 for it',
    );
  }
}

function invalid(problem: string): NonRetryableError {
  return new NonRetryableError('InvalidSettings', problem);
}
