import { Context } from '@temporalio/activity';
import type { DamagedFile, LakeIdentity } from '../../domain/damaged';
import type { Offsets } from '../../domain/ranges';
import type { Watermark } from '../../domain/watermark';
import type { OrdersLake, OrdersTopic } from '../../ports';
import type { Named, Unnamed } from '../name-pipeline';
import { orNone } from '../../domain/or-none';

export interface OpenLandingResult extends Named {
  /** Which opening of the lake this is; every batch is written under it. */
  epoch: number;
  /** Micro-batches committed before. */
  sequence: number;
  next: Offsets;
  /** The topic that these offsets are of, as the lake has it; whether it is still there is the claim's to find out. */
  topicId?: string;
  topicSince?: number;
  /** The furthest offsets that were ever landed. */
  reached: Offsets;
  highWater: Record<string, Watermark>;
  /** Failed batches. */
  unlanded: number[];
  /** Files that were found damaged. */
  damaged?: DamagedFile[];
  startedFrom: 'ledger' | 'earliest offsets';
  /** What the lake is known by from now on. */
  lake?: LakeIdentity;
  /** Hex SHA-256 of the ledger's last entry. */
  entryHash?: string;
}

export interface OpenLandingInput extends Unnamed {
  /** An operator wants the lake taken as it is, whatever was landed before. */
  acceptLake?: boolean;
  /** First run of this workflow, by which it knows its own lake after a reset; absent in versions before 0.4.0. */
  firstRunId?: string;
  /** The workflow is told by a conflict that it was reset to an earlier state: only its own lake is opened again. */
  onlyOwn?: boolean;
}

/**
 * Checks topic and lake before anything is done, takes the lake over, clears away what a lost run left half done, and
 * finds the place to begin: after the ledger's last entry, or at the offsets that were the earliest when the
 * lake was first opened.
 *
 * Idempotent: creates what is missing, and every attempt takes an epoch of its own, which shuts out all before it: so an
 * attempt that wakes up late can neither write nor remove anything. Removes only files that no ledger entry names
 * and that only an earlier run of this pipeline can have written. NonRetryableError LakeMismatch where the lake is not the one that
 * was landed in: empty, or behind the consumer group's offsets; LandingConflict where only its own may be opened, and it is not.
 */
export function createOpenLanding(deps: { topic: OrdersTopic; lake: OrdersLake }) {
  return async function openLanding({
    acceptLake,
    firstRunId,
    onlyOwn = false,
  }: OpenLandingInput = {}): Promise<OpenLandingResult> {
    await deps.topic.ensure();
    const { workflowExecution, currentAttemptScheduledTimestampMs } = Context.current().info;
    const { epoch, last, hash, identity, damaged } = await deps.lake.open({
      runId: workflowExecution?.runId ?? '',
      scheduledAt: currentAttemptScheduledTimestampMs,
      firstRunId,
      onlyOwn,
      ...(acceptLake === true ? { accept: true } : { landed: await deps.topic.groupOffsets() }),
    });
    // From here on the group is no witness of what is not in this lake.
    const forget = (to: Offsets) => (acceptLake === true ? deps.topic.commitGroupOffsets(to) : undefined);
    if (last !== undefined) {
      const { sequence, next, reached, highWater, unlanded = [] } = last;
      await forget(next);
      return {
        epoch,
        sequence,
        next,
        topicId: last.topicId,
        topicSince: last.topicSince,
        reached,
        highWater,
        unlanded,
        damaged: orNone(damaged),
        startedFrom: 'ledger',
        lake: identity,
        entryHash: hash,
      };
    }
    const { earliest, ...now } = await deps.topic.offsets();
    const { begin, ...there } = await deps.lake.beginning(epoch, { begin: earliest, topicId: now.topicId });
    await forget(begin);
    return {
      epoch,
      sequence: 0,
      next: begin,
      ...there,
      reached: begin,
      highWater: {},
      unlanded: [],
      startedFrom: 'earliest offsets',
      lake: identity,
    };
  };
}
