import { Context } from '@temporalio/activity';
import type { LateRows } from '../../domain/missed';
import type { Window } from '../../domain/ranges';
import type { OrdersSource, OrdersTopic, OversizedRows } from '../../ports';
import { placeholderFor } from './placeholder';

export interface PublishInput extends Window {
  sequence: number;
  /** The topic that this capture has published to; absent before its first window, and after a reset. */
  topicId?: string;
  /** The watermark was reset since the last window, so nobody relies on the record of that one. */
  afterReset?: boolean;
  /** The source that this capture has read; absent before its first look, and after a reset. */
  sourceId?: string;
  /** Goes with the progress record; absent from a workflow of an earlier version. */
  late?: LateRows;
  /** First run of this workflow, by which it knows its own record after a reset; goes with the record. */
  firstRunId?: string;
}

export interface PublishResult {
  /** Rows in the topic from this window. */
  rows: number;
  topicId?: string;
  /** The source that they were read from. */
  sourceId?: string;
}

/**
 * Reads exactly the window's rows and writes them, with the progress record, in one Kafka transaction.
 *
 * Idempotency key: (sequence, lower, upper), kept in Kafka by the transaction itself. An attempt that dies before
 * the commit leaves nothing that a read_committed reader sees, since the next attempt fences it and Kafka aborts
 * it; one that dies after the commit is recognised by its record. Of two at once, the one that began later
 * wins and the other can no longer commit.
 *
 * A row larger than the topic takes is kept in a file, and a small placeholder goes through the topic in its place.
 */
export function createPublish(deps: { source: OrdersSource; topic: OrdersTopic; oversized: OversizedRows }) {
  return async function publish(input: PublishInput): Promise<PublishResult> {
    const { sequence, lower, upper, sourceId, ...since } = input;
    const context = Context.current();
    const signal = context.cancellationSignal;
    const published = await deps.topic.publish(
      { sequence, lower, upper },
      () => deps.source.read({ lower, upper }, { signal, sourceId }),
      {
        signal,
        onProgress: (rowsSoFar) => context.heartbeat({ rowsSoFar }),
        // On the disk before the transaction that refers to it can commit.
        onOversized: async (row) => placeholderFor(row, await deps.oversized.keep(row)),
        source: () => deps.source.inspected()?.sourceId,
        ...since,
      },
    );
    const { rows, topicId, sourceId: readFrom } = published;
    return { rows, topicId, sourceId: readFrom };
  };
}
