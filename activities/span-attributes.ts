import { formatRanges, spanOf } from '../domain/ranges';
import type { BatchManifest } from '../ports';
import type { PollResult } from './capture/poll';
import type { PublishInput, PublishResult } from './capture/publish';
import type { ClaimResult } from './landing/claim-micro-batch';
import type { CommitInput } from './landing/commit-micro-batch';
import type { LandInput } from './landing/land-micro-batch';
import { cut } from '../domain/bounded';
import { secondsOf } from '../domain/watermark';
import { batchOutcome } from './outcome';

type Attributes = Record<string, string | number>;

/**
 * What a span says of an activity beside its ids: figures and names, never a field of a row. `result` is `undefined` of an
 * attempt that failed. `undefined` where there was nothing to do.
 */
export function spanAttributes(activity: string, input: unknown, result: unknown): Attributes | undefined {
  switch (activity) {
    case 'poll':
      return found(result as PollResult);
    case 'publish':
      return published(input as PublishInput, result as PublishResult | undefined);
    case 'claimMicroBatch':
      return claimed(result as ClaimResult);
    case 'landMicroBatch':
      return landed(input as LandInput, result as BatchManifest | undefined);
    case 'commitMicroBatch':
      return committed(input as CommitInput);
    default:
      return {};
  }
}

function found({ window, rows, clock }: PollResult): Attributes | undefined {
  if (window === undefined) return undefined;
  const wait = secondsOf(clock) - secondsOf(window.upper.createdAt);
  return { 'orders.rows': rows, 'orders.commit_wait_seconds': Math.max(0, wait) };
}

function published({ sequence }: PublishInput, result: PublishResult | undefined): Attributes {
  const window = { 'orders.window.sequence': sequence };
  return result === undefined ? window : { ...window, 'orders.rows': result.rows };
}

function claimed({ ranges, lagOffsets }: ClaimResult): Attributes | undefined {
  if (ranges.length === 0) return undefined;
  return { 'orders.offsets': cut(formatRanges(ranges)), 'orders.lag_offsets': lagOffsets };
}

function landed({ sequence, ranges }: LandInput, manifest: BatchManifest | undefined): Attributes {
  const batch = {
    'orders.batch.sequence': sequence,
    'orders.offsets': cut(formatRanges(ranges)),
    'messaging.batch.message_count': spanOf(ranges),
  };
  if (manifest === undefined) return batch;
  const { counts, files, quarantineFiles } = manifest;
  return {
    ...batch,
    'orders.rows': counts.read,
    'orders.rows.landed': counts.landed,
    'orders.rows.duplicate': counts.duplicate,
    'orders.rows.quarantined': counts.quarantined,
    'orders.files': files.length + quarantineFiles.length,
    'orders.bytes': [...files, ...quarantineFiles].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function committed(batch: CommitInput): Attributes {
  return { 'orders.batch.sequence': batch.sequence, 'orders.outcome': batchOutcome(batch) };
}
