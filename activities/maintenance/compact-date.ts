import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Merge } from '../../domain/merge';
import type { OrdersLake } from '../../ports';

export interface CompactInput {
  /** What an operator asked for: these dates (`2025-11-18`), or all where there are none, as if nothing had landed in them for a while. */
  asked?: { dates?: string[] };
}

export interface CompactResult {
  /** The merged file stands there hidden; absent where there was nothing to do. */
  merge?: Merge;
  /** Of the inputs. */
  bytes?: number;
}

/** A lake that nobody adds to wakes the workflow this often; with the checkpoint that is due then it makes some 50 events an hour. */
const LONGEST_WAIT_MS = 900_000;
/** A merge is due once in 20 s at most, and a look reads one name that is not there. */
const LOOK_EVERY_MS = 5_000;

/**
 * Waits until files of a date are to be merged, by their number and sizes, and writes the merged file, hidden. Readers and the ledger know
 * nothing of it before `landOrders` commits it.
 *
 * Idempotent: same files, same bytes and name. What an attempt leaves is hidden, and goes when the lake is opened next.
 */
export function createCompactDate(deps: {
  lake: OrdersLake;
  /** Only what operators ask for is merged where it is off. */
  compaction: { enabled: boolean; target_bytes: number };
  stopping: AbortSignal;
}) {
  const { lake, compaction, stopping } = deps;
  return async function compactDate({ asked }: CompactInput = {}): Promise<CompactResult> {
    const { cancellationSignal, heartbeat } = Context.current();
    const signal = AbortSignal.any([cancellationSignal, stopping]);
    const until = Date.now() + LONGEST_WAIT_MS;
    const targetBytes = compaction.target_bytes;
    for (;;) {
      if (compaction.enabled || asked !== undefined) {
        const done = await lake.mergeNext({ targetBytes, asked, signal: cancellationSignal });
        if (done !== undefined || asked !== undefined) return done ?? {};
      }
      if (Date.now() >= until || stopping.aborted) return {};
      heartbeat();
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      cancellationSignal.throwIfAborted();
    }
  };
}
