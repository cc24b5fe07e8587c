import { cut } from '../domain/bounded';
import { NonRetryableError } from '../domain/errors';
import { withFiles } from './variables';

/** Where `NAME_FILE` may stand in their place: headers carry the collector's key. */
const SECRETS = /^OTEL_EXPORTER_OTLP_(\w+_)?HEADERS$/;

/** Where metrics are pushed. */
export interface Otlp {
  url: string;
  /** Else gRPC. */
  http: boolean;
  headers: Record<string, string>;
  intervalMs: number;
  serviceName: string;
}

/**
 * The collector that OpenTelemetry's standard variables name for metrics; `undefined` where they name none.
 *
 * @throws NonRetryableError InvalidSettings where headers cannot be read.
 */
export function loadOtlp(variables: NodeJS.ProcessEnv = process.env): Otlp | undefined {
  const env = withFiles(SECRETS, variables);
  const own = env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'];
  const all = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const protocol =
    env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf';
  const http = protocol !== 'grpc';
  const url = own ?? (all === undefined ? undefined : http ? `${all.replace(/\/$/, '')}/v1/metrics` : all);
  if (url === undefined || url === '' || env['OTEL_METRICS_EXPORTER'] === 'none') return undefined;
  if (!URL.canParse(url))
    throw invalid(`OTEL_EXPORTER_OTLP_ENDPOINT (or the one of metrics) is no URL: ${cut(url, 200)}`);
  const interval = env['OTEL_METRIC_EXPORT_INTERVAL'] ?? '60000';
  // A timer takes no more than 2^31 ms.
  if (!/^\d{1,9}$/.test(interval) || Number(interval) === 0)
    throw invalid(`OTEL_METRIC_EXPORT_INTERVAL is ${cut(interval, 40)}, not milliseconds such as 60000`);
  return {
    url,
    http,
    headers: headersOf(env['OTEL_EXPORTER_OTLP_METRICS_HEADERS'] ?? env['OTEL_EXPORTER_OTLP_HEADERS']),
    intervalMs: Number(interval),
    serviceName: env['OTEL_SERVICE_NAME'] ?? 'orders-stream',
  };
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
      'OTEL_EXPORTER_OTLP_HEADERS (or the one of metrics) has a value with a % that begins no character; write %25 for it',
    );
  }
}

function invalid(problem: string): NonRetryableError {
  return new NonRetryableError('InvalidSettings', problem);
}
