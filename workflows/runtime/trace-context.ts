import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { WorkflowInterceptors } from '@temporalio/workflow';
import { parseTraceparent, TEMPORAL_HEADER, TRACEPARENT } from '../../domain/trace-context';

/** They wait for something to do and belong to no window or batch yet. */
const BEGIN_ANEW = new Set(['poll', 'claimMicroBatch']);

/**
 * Hands the place in a trace from an activity to the next one: it comes as a field of a result, which the workflow never
 * sees, and goes as a header. All of it follows from history, whoever traces: without the field there is no header, and a
 * replay does not compare headers. So tracing can be switched while workflows run.
 */
export const interceptors = (): WorkflowInterceptors => {
  let traceparent: string | undefined;
  return {
    outbound: [
      {
        async scheduleActivity(input, next) {
          if (BEGIN_ANEW.has(input.activityType)) traceparent = undefined;
          const headers =
            traceparent === undefined ? input.headers : { ...input.headers, ...headerOf(traceparent) };
          const answer: unknown = await next({ ...input, headers });
          const { found, result } = separated(answer);
          traceparent = found;
          return result;
        },
      },
    ],
  };
};

function separated(answer: unknown): { found?: string; result: unknown } {
  if (typeof answer !== 'object' || answer === null || !(TRACEPARENT in answer)) return { result: answer };
  const { [TRACEPARENT]: value, ...result } = answer;
  return parseTraceparent(value) === undefined ? { result } : { found: value as string, result };
}

function headerOf(traceparent: string): Record<string, Payload> {
  return { [TEMPORAL_HEADER]: defaultPayloadConverter.toPayload({ [TRACEPARENT]: traceparent }) };
}
