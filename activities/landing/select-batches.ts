import { NonRetryableError } from '../../domain/errors';
import { MOST_BATCHES, readSelection, type Selection } from '../../domain/replay';
import type { OrdersLake } from '../../ports';

/**
 * Which batches an operator means, by the ledger as it is now; sorted, without entries that are themselves replays.
 * Reads only, so it is idempotent without a key. NonRetryableError InvalidSettings for an input that says nothing.
 */
export function createSelectBatches(deps: { lake: OrdersLake }) {
  return async function selectBatches(input: unknown): Promise<{ batches: number[] }> {
    const selection = read(input);
    const last = await deps.lake.lastEntry();
    if (last === undefined) return { batches: [] };
    switch (selection.kind) {
      case 'failed':
        return { batches: last.unlanded ?? [] };
      case 'list':
        return { batches: selection.batches };
      case 'range': {
        const { from, to } = selection;
        const end = Math.min(to, last.sequence);
        const count = Math.max(0, end - from + 1);
        if (count > MOST_BATCHES)
          throw new NonRetryableError(
            'InvalidSettings',
            `Input of replayBatches: ${from} to ${end} are ${count} batches; at most ${MOST_BATCHES} at once. Replay them in parts.`,
          );
        return { batches: await withoutReplays(Array.from({ length: count }, (_, index) => from + index)) };
      }
      case 'dates':
        return { batches: await deps.lake.batchesOf(selection) };
    }
  };

  async function withoutReplays(numbers: number[]): Promise<number[]> {
    const batches: number[] = [];
    for (const number of numbers) {
      const entry = await deps.lake.entry(number);
      if (entry !== undefined && entry.supersedes === undefined && entry.merged === undefined)
        batches.push(number);
    }
    return batches;
  }
}

function read(input: unknown): Selection {
  try {
    return readSelection(input);
  } catch (error) {
    throw new NonRetryableError('InvalidSettings', `Input of replayBatches: ${(error as Error).message}`);
  }
}
