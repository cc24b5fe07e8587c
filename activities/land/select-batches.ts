import { LastingFailure } from '../../model/errors';
import { readSelection, type Selection } from '../../model/replay';
import type { OrdersLake } from '../interfaces';

/**
 * Which batches an operator means, by the ledger as it is now; sorted, without entries that are themselves replays.
 * Reads only, so it is idempotent without a key. LastingFailure InvalidSettings for an input that says nothing.
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
        const numbers = Array.from({ length: Math.max(0, end - from + 1) }, (_, index) => from + index);
        return { batches: await withoutReplays(numbers) };
      }
      case 'dates':
        return { batches: await deps.lake.batchesOf(selection) };
    }
  };

  async function withoutReplays(numbers: number[]): Promise<number[]> {
    const batches: number[] = [];
    for (const number of numbers) {
      const entry = await deps.lake.entry(number);
      if (entry !== undefined && entry.supersedes === undefined) batches.push(number);
    }
    return batches;
  }
}

function read(input: unknown): Selection {
  try {
    return readSelection(input);
  } catch (error) {
    throw new LastingFailure('InvalidSettings', `Input of replayBatches: ${(error as Error).message}`);
  }
}
