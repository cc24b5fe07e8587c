import { Context } from '@temporalio/activity';
import type { CheckpointResult, OrdersLake } from '../../ports';

/** Entries fold a thousand at a time; more than this in one go would hold a worker that is told to stop. */
const MOST_STEPS = 50;

/**
 * Keeps the ledger short, see {@link OrdersLake.checkpoint}.
 *
 * Idempotent: goes on where another attempt, or another worker, was interrupted; two at once write the same.
 */
export function createCheckpointLedger({ lake }: { lake: OrdersLake }) {
  return async function checkpointLedger(): Promise<CheckpointResult> {
    const { cancellationSignal: signal, heartbeat } = Context.current();
    let result = await lake.checkpoint({ signal });
    for (let step = 1; result.more && step < MOST_STEPS; step += 1) {
      heartbeat();
      const { folded, bytes, removed } = result;
      const next = await lake.checkpoint({ signal });
      result = {
        ...next,
        folded: folded + next.folded,
        bytes: bytes + next.bytes,
        removed: removed + next.removed,
      };
    }
    return result;
  };
}
