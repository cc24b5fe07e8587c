/**
 * A place in a trace, as W3C Trace Context writes it (`traceparent`): the one form for Temporal's headers, results of
 * activities and Kafka's record headers. Only what is sampled is ever passed on.
 */
export interface SpanPlace {
  traceId: string;
  spanId: string;
}

/** Name of the field in an activity's result, and of the header of a record. */
export const TRACEPARENT = 'traceparent';

/** The header that Temporal's own OpenTelemetry interceptors use, in every language: `{"traceparent": "…"}`. */
export const TEMPORAL_HEADER = '_tracer-data';

/** Of any version but ff, which is none; later ones may have more behind the flags. */
const FORM = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const SAMPLED = 0x01;

/** `undefined` for whatever is no traceparent, and for one that is not sampled. */
export function parseTraceparent(value: unknown): SpanPlace | undefined {
  const [, traceId = '', spanId = '', flags = ''] = typeof value === 'string' ? (FORM.exec(value) ?? []) : [];
  if (!/[1-9a-f]/.test(traceId) || !/[1-9a-f]/.test(spanId)) return undefined;
  return (parseInt(flags, 16) & SAMPLED) === 0 ? undefined : { traceId, spanId };
}

export function formatTraceparent({ traceId, spanId }: SpanPlace): string {
  return `00-${traceId}-${spanId}-01`;
}
