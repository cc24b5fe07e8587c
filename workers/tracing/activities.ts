import { performance } from 'node:perf_hooks';
import { SpanKind, TraceFlags, type Attributes, type Tracer } from '@opentelemetry/api';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInterceptorsFactory } from '@temporalio/worker';
import { spanAttributes } from '../../activities/span-attributes';
import {
  formatTraceparent,
  parseTraceparent,
  TEMPORAL_HEADER,
  TRACEPARENT,
  type SpanPlace,
} from '../../domain/trace-context';
import { runInScope, Scope, type Look } from './scope';
import { endSpan, failSpan, placeOf, startSpan } from './spans';

/** Activities that wait until there is something to do: only the look that found it is shown. */
const LOOKS: Record<string, Look> = {
  poll: { name: 'horizon', at: 'begin' },
  claimMicroBatch: { name: 'awaitMessages', at: 'end' },
};

/** They read messages, and are part of the trace that those bring. */
const JOINING = new Set(['landMicroBatch', 'landAgain']);

/** Their result says where the trace goes on; the workflow hands it to the next activity. The others are its ends. */
const HANDING_ON = new Set(['poll', 'publish', 'landMicroBatch', 'landAgain']);

const KINDS: Record<string, SpanKind> = {
  publish: SpanKind.PRODUCER,
  landMicroBatch: SpanKind.CONSUMER,
  landAgain: SpanKind.CONSUMER,
};

/** Windows of a micro-batch that are linked beside the first. */
export const MOST_LINKS = 32;

/** Claims that wait for their landing; a worker has one workflow that lands. */
const MOST_HELD = 10;

interface Claim {
  scope: Scope;
  end: number;
  attributes: Attributes;
}

type Next = (input: ActivityExecuteInput) => Promise<unknown>;

/**
 * A trace for each window that the sampler takes: it begins with the look that found the window and ends with the ledger
 * entry of the batch that has its rows. A poll or claim that finds nothing makes no span. What no sampled trace leads to, by
 * Temporal's header or by Kafka's, is not traced.
 */
export class TracedActivities {
  readonly #claims = new Map<string, Claim>();

  constructor(private readonly tracer: Tracer) {}

  readonly interceptor: ActivityInterceptorsFactory = (context) => ({
    inbound: {
      execute: (input, next) => {
        const { activityType } = context.info;
        if (activityType === 'poll') return this.#poll(context, input, next);
        if (activityType === 'claimMicroBatch') return this.#claim(context, input, next);
        if (JOINING.has(activityType)) return this.#joining(context, input, next);
        return this.#continuing(context, input, next);
      },
    },
  });

  /** The root of a trace, where it has found a window. */
  async #poll({ info }: Context, input: ActivityExecuteInput, next: Next): Promise<unknown> {
    const scope = new Scope({ look: LOOKS['poll'] });
    const result = await runInScope(scope, () => next(input));
    const found = spanAttributes('poll', input.args[0], result);
    if (found === undefined) return result;
    const span = startSpan(this.tracer, scope, { name: 'poll', attributes: { ...idsOf(info), ...found } });
    if (!span.isRecording()) return result;
    endSpan(this.tracer, scope, span, performance.now());
    return handedOn('poll', result, placeOf(span));
  }

  /** Shown when the landing of what it claimed learns of its trace, if that is in the same process. */
  async #claim({ info }: Context, input: ActivityExecuteInput, next: Next): Promise<unknown> {
    const scope = new Scope({ look: LOOKS['claimMicroBatch'] });
    const result = await runInScope(scope, () => next(input));
    const found = spanAttributes('claimMicroBatch', input.args[0], result);
    if (found === undefined) return result;
    const run = runOf(info);
    this.#claims.delete(run);
    this.#claims.set(run, { scope, end: performance.now(), attributes: { ...idsOf(info), ...found } });
    const [oldest] = this.#claims.keys();
    if (this.#claims.size > MOST_HELD && oldest !== undefined) this.#claims.delete(oldest);
    return result;
  }

  async #joining({ info }: Context, input: ActivityExecuteInput, next: Next): Promise<unknown> {
    const links = new Set<string>();
    const join = (place: SpanPlace, scope: Scope) => {
      if (scope.span === undefined) {
        this.#showClaim(runOf(info), place);
        this.#begin(scope, info, place);
      } else if (links.size >= MOST_LINKS || links.has(place.spanId)) return;
      else scope.span.addLink({ context: { ...place, traceFlags: TraceFlags.SAMPLED, isRemote: true } });
      links.add(place.spanId);
    };
    return this.#finish(new Scope({ join }), info, input, next);
  }

  async #continuing({ info }: Context, input: ActivityExecuteInput, next: Next): Promise<unknown> {
    const parent = placeIn(input.headers);
    if (parent === undefined) return next(input);
    const scope = new Scope();
    this.#begin(scope, info, parent);
    return this.#finish(scope, info, input, next);
  }

  #begin(scope: Scope, info: Context['info'], parent: SpanPlace): void {
    const name = info.activityType;
    const span = startSpan(this.tracer, scope, { name, kind: KINDS[name], attributes: idsOf(info), parent });
    if (span.isRecording()) scope.span = span;
  }

  async #finish(
    scope: Scope,
    info: Context['info'],
    input: ActivityExecuteInput,
    next: Next,
  ): Promise<unknown> {
    const { activityType } = info;
    try {
      const result = await runInScope(scope, () => next(input));
      if (scope.span === undefined) return result;
      scope.span.setAttributes(spanAttributes(activityType, input.args[0], result) ?? {});
      return handedOn(activityType, result, placeOf(scope.span));
    } catch (error) {
      if (scope.span !== undefined) {
        scope.span.setAttributes(spanAttributes(activityType, input.args[0], undefined) ?? {});
        failSpan(scope.span, error);
      }
      throw error;
    } finally {
      if (scope.span !== undefined) endSpan(this.tracer, scope, scope.span, performance.now());
    }
  }

  #showClaim(run: string, parent: SpanPlace): void {
    const claim = this.#claims.get(run);
    if (claim === undefined) return;
    this.#claims.delete(run);
    const { scope, end, attributes } = claim;
    const span = startSpan(this.tracer, scope, { name: 'claimMicroBatch', attributes, parent });
    endSpan(this.tracer, scope, span, end);
  }
}

const runOf = ({ workflowExecution }: Context['info']) => workflowExecution?.runId ?? '';

function idsOf({ workflowExecution, attempt }: Context['info']): Attributes {
  return {
    'temporal.workflow.id': workflowExecution?.workflowId,
    'temporal.workflow.run_id': workflowExecution?.runId,
    'temporal.activity.attempt': attempt,
  };
}

function placeIn(headers: Headers): SpanPlace | undefined {
  const payload = headers[TEMPORAL_HEADER];
  if (payload === undefined) return undefined;
  try {
    return parseTraceparent(
      defaultPayloadConverter.fromPayload<Record<string, unknown>>(payload)[TRACEPARENT],
    );
  } catch {
    return undefined; // of somebody else
  }
}

function handedOn(activity: string, result: unknown, place: SpanPlace): unknown {
  if (!HANDING_ON.has(activity) || typeof result !== 'object' || result === null) return result;
  return { ...result, [TRACEPARENT]: formatTraceparent(place) };
}
