import { ExportResultCode } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { Attributes } from '@opentelemetry/api';
import type { Otlp } from '../../configs/otlp';
import type { Log } from '../../ports';
import { MOST_LINKS } from './activities';

/** Spans that wait to be sent, some 2 MB; what comes while there are so many is left out. */
const MOST_WAITING = 2_048;
/** Spans of one request to the collector. */
const MOST_SENT = 512;
/** The longest an export may take, its own retries included, before the next one is begun. */
const EXPORT_TIMEOUT_MS = 10_000;

/** Sends sampled spans to the collector in the background. One that is away or slow costs spans and two log lines, nothing else. */
export async function createProvider(
  otlp: Otlp,
  options: { ratio: number; resource: Attributes; log: Log },
): Promise<TracerProvider> {
  const exporter = watched(await exporterFor(otlp), options.log);
  return new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': otlp.serviceName, ...options.resource }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio) }),
    spanLimits: { linkCountLimit: MOST_LINKS },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MOST_WAITING,
        maxExportBatchSize: MOST_SENT,
        scheduledDelayMillis: otlp.delayMs,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
}

/** Certificates, compression and timeout the exporters read from the standard variables themselves. */
async function exporterFor({ http, url, headers }: Otlp): Promise<SpanExporter> {
  if (!http) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
    const { Metadata } = await import('@grpc/grpc-js');
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new OTLPTraceExporter({ url, metadata });
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ url, headers });
}

/** Says once that spans cannot be sent, and once that they can again. */
function watched(exporter: SpanExporter, log: Log): SpanExporter {
  let failing: { since: number; spans: number } | undefined;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code === ExportResultCode.SUCCESS) {
          if (failing !== undefined)
            log.info('traces are sent again', {
              event: 'traces_sent_again',
              seconds: (Date.now() - failing.since) / 1000,
              lost: failing.spans,
            });
          failing = undefined;
        } else {
          if (failing === undefined)
            log.warn('traces cannot be sent to the collector; nothing else is affected', {
              event: 'traces_not_sent',
              error: result.error?.message,
            });
          failing ??= { since: Date.now(), spans: 0 };
          failing.spans += spans.length;
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
