import { isNativeError } from 'node:util/types';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptors, ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { cutMiddle, LONGEST_ERROR } from '../domain/bounded';
import { NonRetryableError } from '../domain/errors';
import type { Recovery } from '../domain/status';
import { noteSystem, systemOf } from './system-of';

/**
 * Well below the heartbeat time-outs that the workflows set, so that a worker that dies is noticed in seconds
 * while a busy event loop is not taken for a dead one.
 */
const HEARTBEAT_INTERVAL_MS = 1_000;

/** Why earlier attempts in this process failed, by activity: what `status` shows as the last error. */
const earlierFailures = new Map<string, string>();

/**
 * What every activity has in common: it heartbeats while it runs, its non-retryable errors end it,
 * everything else is, an abort counts as a cancellation, and a result that took several attempts says so.
 */
export function commonBehaviour(context: Context): ActivityInterceptors {
  const key = `${context.info.workflowExecution?.runId}/${context.info.activityId}`;
  const inbound: ActivityInboundCallsInterceptor = {
    async execute(input, next) {
      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_INTERVAL_MS);
      try {
        const result: unknown = await next(input);
        return withRecovery(result, context.info.attempt, earlierFailures.get(key));
      } catch (error) {
        const failure = toFailure(error, context.cancellationSignal);
        earlierFailures.set(key, failure.message);
        if (!(failure instanceof CancelledFailure)) noteSystem(failure, systemOf(error));
        throw failure;
      } finally {
        clearInterval(timer);
        forgetOldest();
      }
    },
  };
  return { inbound };
}

function withRecovery(result: unknown, attempt: number, error = 'the worker was lost'): unknown {
  if (attempt === 1 || typeof result !== 'object' || result === null) return result;
  const recovered: Recovery = { attempts: attempt, error };
  return { ...result, recovered };
}

function toFailure(error: unknown, signal: AbortSignal): Error {
  if (error instanceof NonRetryableError) {
    return ApplicationFailure.create({
      message: cutMiddle(error.message),
      type: error.type,
      nonRetryable: true,
      cause: bounded(error),
    });
  }
  if (signal.aborted)
    return new CancelledFailure('the worker is shutting down or the workflow no longer waits');
  return retried(isNativeError(error) ? error : new Error(String(error)));
}

/** Bytes of a message that is kept; with the stack below, which has no message in it, well under the limit. */
const KEPT_MESSAGE = 2_500;
const KEPT_STACK = 600;

/**
 * Of an attempt that is to be retried Temporal keeps 4 KB, stack and causes included; of a longer one nothing but "Failure
 * exceeds size limit". The message is what status shows, and says what to do.
 */
function retried(error: Error): Error {
  if (error instanceof ApplicationFailure) return error; // says itself what it is, and whether to try again
  const { message, stack = '', name } = error;
  const failure = ApplicationFailure.create({ message: cutMiddle(message, KEPT_MESSAGE), type: name });
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  failure.stack = frames.join('\n').slice(0, KEPT_STACK);
  return failure;
}

/** Causes of causes say no more than these. */
const DEEPEST_CAUSE = 5;

/**
 * The error with texts of a length that Temporal takes, as PostgreSQL and Kafka quote what they were given. One above 2 MB
 * the server replaces by a failure of its own, which is not retried: a transient error would end the workflow.
 */
function bounded(error: Error, depth = 0): Error {
  const { message, stack = '', cause } = error;
  const deep = cause !== undefined && (!isNativeError(cause) || depth >= DEEPEST_CAUSE);
  const inner = isNativeError(cause) && !deep ? bounded(cause, depth + 1) : undefined;
  const fits = message.length + stack.length <= 2 * LONGEST_ERROR;
  if (fits && !deep && inner === cause) return error;
  const shorter = new Error(cutMiddle(message), inner === undefined ? {} : { cause: inner });
  shorter.name = error.name;
  shorter.stack = cutMiddle(stack);
  return shorter;
}

/** Activities end, so the map only has to outlive the retries of the few that run at once. */
function forgetOldest(): void {
  const [oldest] = earlierFailures.keys();
  if (earlierFailures.size > 100 && oldest !== undefined) earlierFailures.delete(oldest);
}
