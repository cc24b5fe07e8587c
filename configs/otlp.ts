/** Where metrics are pushed. */
export interface Otlp {
  url: string;
  /** Else gRPC. */
  http: boolean;
  headers: Record<string, string>;
  intervalMs: number;
  serviceName: string;
}

/** The collector that OpenTelemetry's standard variables name for metrics; `undefined` where they name none. */
export function loadOtlp(env: NodeJS.ProcessEnv = process.env): Otlp | undefined {
  const own = env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'];
  const all = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const protocol =
    env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf';
  const http = protocol !== 'grpc';
  const url = own ?? (all === undefined ? undefined : http ? `${all.replace(/\/$/, '')}/v1/metrics` : all);
  if (url === undefined || url === '' || env['OTEL_METRICS_EXPORTER'] === 'none') return undefined;
  return {
    url,
    http,
    headers: headersOf(env['OTEL_EXPORTER_OTLP_METRICS_HEADERS'] ?? env['OTEL_EXPORTER_OTLP_HEADERS']),
    intervalMs: Number(env['OTEL_METRIC_EXPORT_INTERVAL'] ?? 60_000),
    serviceName: env['OTEL_SERVICE_NAME'] ?? 'orders-stream',
  };
}

/** `name=value,name=value`, values percent-encoded. */
function headersOf(text = ''): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}
