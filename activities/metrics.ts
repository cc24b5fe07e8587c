import { performance } from 'node:perf_hooks';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { oldestIn } from '../domain/freshness';
import { secondsOf } from '../domain/watermark';
import type { BatchManifest, LakeFile, Metrics } from '../ports';
import type { PublishResult } from './capture/publish';
import type { PollInput, PollResult } from './capture/poll';
import type { ClaimInput, ClaimResult } from './landing/claim-micro-batch';
import type { CommitInput } from './landing/commit-micro-batch';
import type { CompareResult } from './verification/compare-orders';
import { batchOutcome, failureKind } from './outcome';
import { systemOf } from './system-of';

/** Files below this are called small: a plain reader pays for each one as much as for its rows. */
const SMALL_FILE_BYTES = 1024 * 1024;

/**
 * Counts and times what every activity does, from its input and result: activities need not know of it. Outermost of the
 * interceptors, so that it sees errors as Temporal does. A figure here is of this process and may count a repeated attempt;
 * ledger and `status` are exact.
 */
export function countingActivities(metrics: Metrics): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const activity = context.info.activityType;
        const begin = performance.now();
        try {
          const result: unknown = await next(input);
          const seconds = (performance.now() - begin) / 1000;
          metrics.observe('orders_activity_seconds', seconds, { activity });
          metrics.set('orders_activity_last_success_timestamp_seconds', Date.now() / 1000, { activity });
          recordResult(metrics, activity, { seconds, input: input.args[0], result });
          return result;
        } catch (error) {
          const about = { activity, system: systemOf(error), kind: failureKind(error) };
          metrics.add('orders_activity_failures_total', 1, about);
          throw error;
        }
      },
    },
  });
}

interface Done {
  seconds: number;
  input: unknown;
  result: unknown;
}

/** What an activity of this name has done. */
export function recordResult(metrics: Metrics, activity: string, { seconds, input, result }: Done): void {
  if (activity === 'poll') recordPoll(metrics, input as PollInput, result as PollResult);
  else if (activity === 'publish') recordPublish(metrics, seconds, result as PublishResult);
  else if (activity === 'claimMicroBatch') recordClaim(metrics, input as ClaimInput, result as ClaimResult);
  else if (activity === 'landMicroBatch') recordLanded(metrics, seconds, result as BatchManifest);
  else if (activity === 'commitMicroBatch') recordCommitted(metrics, seconds, input as CommitInput);
  else if (activity === 'compareOrders') recordCompared(metrics, result as CompareResult);
}

function recordPoll(metrics: Metrics, { watch }: PollInput, { window, clock, behind }: PollResult): void {
  if (behind !== undefined) {
    const found = behind.settled.backdated + (behind.watch?.found.backdated ?? 0);
    const missed = found - (watch?.found.backdated ?? 0);
    if (missed > 0) metrics.add('orders_missed_rows_total', missed);
  }
  if (window === undefined) return;
  const wait = secondsOf(clock) - secondsOf(window.upper.createdAt);
  metrics.observe('orders_freshness_seconds', wait, { part: 'wait' });
}

function recordPublish(metrics: Metrics, seconds: number, { rows }: PublishResult): void {
  metrics.add('orders_rows_total', rows, { stage: 'published' });
  metrics.add('orders_windows_total', 1);
  metrics.observe('orders_window_rows', rows);
  metrics.observe('orders_freshness_seconds', seconds, { part: 'publish' });
}

function recordClaim(metrics: Metrics, before: ClaimInput, found: ClaimResult): void {
  metrics.set('orders_damaged_files', (found.damaged ?? before.damaged ?? []).length);
  metrics.set('orders_landing_blocked_partitions', (found.heldBy ?? before.heldBy ?? []).length);
}

function recordLanded(metrics: Metrics, seconds: number, { counts }: BatchManifest): void {
  metrics.observe('orders_batch_rows', counts.read);
  metrics.observe('orders_freshness_seconds', seconds, { part: 'land' });
}

function recordCommitted(metrics: Metrics, seconds: number, batch: CommitInput): void {
  const { manifest, unlanded = [], sequence } = batch;
  const outcome = batchOutcome(batch);
  metrics.add('orders_batches_total', 1, { outcome });
  metrics.set('orders_failed_batches', unlanded.length);
  metrics.set('orders_ledger_sequence', sequence);
  recordFiles(metrics, 'lake', manifest.files);
  recordFiles(metrics, 'quarantine', manifest.quarantineFiles);
  if (outcome !== 'landed') return;
  const { failures, ...counts } = manifest.counts;
  for (const stage of ['read', 'landed', 'duplicate', 'quarantined'] as const)
    if (counts[stage] > 0) metrics.add('orders_rows_total', counts[stage], { stage });
  for (const [rule, messages] of Object.entries(failures))
    metrics.add('orders_rule_failures_total', messages ?? 0, { rule });
  metrics.observe('orders_freshness_seconds', seconds, { part: 'commit' });
  if (manifest.newestCreatedAt !== undefined) {
    const age = Date.now() / 1000 - secondsOf(manifest.newestCreatedAt);
    metrics.observe('orders_freshness_seconds', age, { part: 'total' });
  }
  const oldest = oldestIn(manifest.files);
  if (oldest !== undefined) {
    const age = Date.now() / 1000 - secondsOf(oldest);
    metrics.observe('orders_freshness_seconds', age, { part: 'oldest' });
  }
}

function recordCompared(metrics: Metrics, compared: CompareResult): void {
  if ('notComparable' in compared) return;
  metrics.set('orders_verify_equal', compared.result.equal ? 1 : 0);
  metrics.set('orders_verify_timestamp_seconds', Date.now() / 1000);
}

function recordFiles(metrics: Metrics, directory: string, files: readonly LakeFile[]): void {
  for (const { bytes } of files) {
    metrics.add('orders_files_total', 1, { directory, size: bytes < SMALL_FILE_BYTES ? 'small' : 'large' });
    metrics.add('orders_file_bytes_total', bytes, { directory });
  }
}
