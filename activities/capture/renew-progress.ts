import { Context } from '@temporalio/activity';
import type { OrdersTopic } from '../../ports';

export interface RenewProgressInput {
  /** The last window published: the record that should be there. */
  sequence: number;
}

/**
 * Writes the progress record again as it stands, because Kafka forgets it once nothing was committed for
 * offsets.retention.minutes: a week by default, and a pipeline may be idle or paused for longer.
 *
 * Idempotency key: sequence. The same record twice is the same record; another one is never replaced. It is fenced
 * like a publish, so an attempt that wakes up late can no longer write, or fails before it does.
 */
export function createRenewProgress({ topic }: { topic: OrdersTopic }) {
  return async function renewProgress({ sequence }: RenewProgressInput): Promise<{ sequence: number }> {
    await topic.renewProgress(sequence, { signal: Context.current().cancellationSignal });
    return { sequence };
  };
}
