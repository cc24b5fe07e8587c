import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { failureKind } from '../../activities/outcome';
import { cut } from '../../domain/bounded';
import type { SpanPlace } from '../../domain/trace-context';
import type { Scope, Step } from './scope';

/** OpenTelemetry's names for what we speak to. */
const SYSTEMS: Record<string, Attributes> = {
  postgres: { 'db.system.name': 'postgresql' },
  kafka: { 'messaging.system': 'kafka' },
};

export interface SpanOptions {
  name: string;
  attributes: Attributes;
  kind?: SpanKind;
  /** Absent: a new trace, if the sampler wants one. */
  parent?: SpanPlace | undefined;
}

/** A span that began when the scope did. */
export function startSpan(tracer: Tracer, scope: Scope, options: SpanOptions): Span {
  const { name, attributes, kind = SpanKind.INTERNAL, parent } = options;
  const context =
    parent === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  return tracer.startSpan(name, { kind, attributes, startTime: scope.timeOf(scope.begin) }, context);
}

/** Ends the span, with the scope's steps below it. */
export function endSpan(tracer: Tracer, scope: Scope, span: Span, end: number): void {
  const spans = new Map<Step, Span>();
  const spanOf = (step: Step): Span => {
    const known = spans.get(step);
    if (known !== undefined) return known;
    const made = tracer.startSpan(
      `${step.system} ${step.name}`,
      { kind: SpanKind.CLIENT, attributes: SYSTEMS[step.system], startTime: scope.timeOf(step.begin) },
      contextOf(step.parent === undefined ? span : spanOf(step.parent)),
    );
    spans.set(step, made);
    return made;
  };
  for (const step of scope.steps) {
    const made = spanOf(step);
    // What it says is in the activity's own error.
    if (step.failed === true) made.setStatus({ code: SpanStatusCode.ERROR });
    made.end(scope.timeOf(step.end ?? end));
  }
  if (scope.omitted > 0) span.setAttribute('orders.steps_left_out', scope.omitted);
  span.end(scope.timeOf(end));
}

/** Notes why an attempt failed, as the log does; a cancellation is no error. */
export function failSpan(span: Span, error: unknown): void {
  const kind = failureKind(error);
  span.setAttribute('error.type', kind);
  if (kind === 'cancelled') return;
  const message = cut((error as Error).message);
  span.recordException({ name: kind, message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

export function placeOf(span: Span): SpanPlace {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}

const contextOf = (span: Span): Context => trace.setSpan(ROOT_CONTEXT, span);
