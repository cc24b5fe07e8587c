import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Log, LogDetails } from '../ports';
import type { OpenCaptureResult } from './capture/open-capture';
import type { PollInput, PollResult } from './capture/poll';
import type { PublishInput, PublishResult } from './capture/publish';
import type { ClaimInput, ClaimResult } from './landing/claim-micro-batch';
import type { CommitInput } from './landing/commit-micro-batch';
import type { OpenLandingResult } from './landing/open-landing';
import { batchOutcome, failureKind } from './outcome';

/** A change that somebody may ask about later. `event` is a stable name; fields are figures and names, never a row's. */
interface Event {
  level: 'info' | 'warn';
  event: string;
  message: string;
  fields?: LogDetails;
}

/**
 * Logs what activities have changed, from input and result, each once; and of errors that are retried the first and the end,
 * with how long it took. What is in between `status` and the metrics show.
 */
export function tellingActivities(log: Log): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const { activityType, attempt, scheduledTimestampMs } = context.info;
        const ids = idsOf(context.info);
        try {
          const result: unknown = await next(input);
          if (attempt > 1)
            log.info('works again', {
              event: 'recovered',
              ...ids,
              seconds: (Date.now() - scheduledTimestampMs) / 1000,
            });
          for (const { level, event, message, fields } of eventsOf(activityType, input.args[0], result))
            log[level](message, { event, ...ids, ...fields });
          return result;
        } catch (error) {
          const failure = failureOf(error, attempt);
          if (failure !== undefined)
            log[failure.level](failure.message, { event: failure.event, ...ids, ...failure.fields });
          throw error;
        }
      },
    },
  });
}

function idsOf({ activityType, attempt, workflowExecution, taskQueue }: Context['info']): LogDetails {
  return {
    activityType,
    attempt,
    workflowId: workflowExecution?.workflowId,
    runId: workflowExecution?.runId,
    taskQueue,
  };
}

function failureOf(
  error: unknown,
  attempt: number,
): (Omit<Event, 'level'> & { level: 'warn' | 'error' }) | undefined {
  const kind = failureKind(error);
  if (kind === 'cancelled') return undefined;
  const { message } = error as Error;
  if (kind !== 'transient') {
    const fields = { errorType: kind, error: message };
    return { level: 'error', event: 'not_retried', message: 'failed, and no retry mends it', fields };
  }
  if (attempt > 1) return undefined;
  const fields = { error: message };
  return { level: 'warn', event: 'retrying', message: 'failed; it is retried until it works', fields };
}

/** What an activity of this name has changed. */
export function eventsOf(activity: string, input: unknown, result: unknown): Event[] {
  switch (activity) {
    case 'openCapture':
      return [captureOpened(result as OpenCaptureResult)];
    case 'openLanding':
      return [epochTaken(result as OpenLandingResult)];
    case 'poll':
      return polled(input as PollInput, result as PollResult);
    case 'publish':
      return [published(input as PublishInput, result as PublishResult)];
    case 'claimMicroBatch':
      return claimed(input as ClaimInput, result as ClaimResult);
    case 'commitMicroBatch':
      return [committed(input as CommitInput)];
    default:
      return [];
  }
}

function captureOpened({ sequence, watermark, startedFrom }: OpenCaptureResult): Event {
  const fields = { sequence, createdAt: watermark.createdAt, startedFrom };
  return { level: 'info', event: 'capture_opened', message: 'capture begins', fields };
}

function epochTaken({ epoch, sequence, startedFrom }: OpenLandingResult): Event {
  const fields = { epoch, sequence, startedFrom };
  return {
    level: 'info',
    event: 'epoch_taken',
    message: 'landing begins, and shuts out all before it',
    fields,
  };
}

function polled({ heldBy: before }: PollInput, { heldBy: now }: PollResult): Event[] {
  if (before?.who === now?.who) return [];
  if (now === null)
    return [{ level: 'info', event: 'capture_unblocked', message: 'nobody keeps rows from capture' }];
  const { kind, who, since } = now;
  const fields = { kind, who, since };
  return [{ level: 'warn', event: 'capture_blocked', message: 'somebody keeps rows from capture', fields }];
}

function published({ sequence, upper, afterReset }: PublishInput, { rows }: PublishResult): Event {
  const fields = {
    sequence,
    rows,
    createdAt: upper.createdAt,
    afterReset: afterReset === true ? 1 : undefined,
  };
  return { level: 'info', event: 'window_published', message: 'window published', fields };
}

function claimed(before: ClaimInput, { damaged, heldBy }: ClaimResult): Event[] {
  const events: Event[] = [];
  if (damaged !== undefined && damaged.length > (before.damaged?.length ?? 0)) {
    const fields = { files: damaged.length, file: damaged.at(-1)?.file };
    events.push({
      level: 'warn',
      event: 'files_damaged',
      message: 'files are not what the ledger says',
      fields,
    });
  }
  if (heldBy !== undefined && heldBy.length > 0) {
    const fields = { transactions: heldBy.length, who: heldBy[0]?.who };
    events.push({
      level: 'warn',
      event: 'landing_blocked',
      message: 'an open transaction keeps landing back',
      fields,
    });
  }
  return events;
}

function committed(batch: CommitInput): Event {
  const { sequence, manifest, parked, supersedes, resets } = batch;
  const { read, landed, duplicate, quarantined } = manifest.counts;
  const outcome = batchOutcome(batch);
  const fields: LogDetails =
    parked === undefined
      ? { sequence, read, landed, duplicate, quarantined, resets: resets.length || undefined }
      : { sequence, errorType: parked.type, error: parked.message };
  if (parked === undefined && supersedes !== undefined) fields['batch'] = supersedes;
  const level = outcome === 'failed' || outcome === 'withdrawn' ? 'warn' : 'info';
  return { level, event: `batch_${outcome}`, message: BECAME[outcome], fields };
}

const BECAME = {
  landed: 'batch landed',
  failed: 'batch failed; it waits for a replay',
  replayed: 'batch replayed',
  withdrawn: 'rows given up',
} as const;
