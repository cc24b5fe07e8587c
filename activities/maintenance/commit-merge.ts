import type { Merge } from '../../domain/merge';
import type { KnownLake, LakeFile, OrdersLake } from '../../ports';

export interface CommitMergeInput extends Merge {
  epoch: number;
  /** Number of the ledger entry. */
  sequence: number;
  known: KnownLake;
  previousHash?: string;
}

/**
 * Writes the ledger entry by which a merged file, which stands there hidden, takes the place of its inputs, and shows it. The offsets and
 * all else that the entry before says of landing stay as they were.
 *
 * Idempotency key: (sequence, inputs). An entry that is there with these inputs is success; showing the file is repeated until it is done.
 * A merge that is out of date is the answer, and changes nothing. NonRetryableError LandingConflict where another landing took the sequence.
 */
export function createCommitMerge({ lake }: { lake: OrdersLake }) {
  return async function commitMerge({
    epoch,
    sequence,
    part,
    inputs,
    file,
    known,
    previousHash,
  }: CommitMergeInput): Promise<{ entryHash?: string; refused?: string }> {
    await lake.confirm(known);
    const before = await lake.entry(sequence - 1);
    if (before === undefined) return { refused: 'nothing has landed yet' };
    const there = await lake.entry(sequence);
    if (there?.merged === undefined) {
      const refused = await lake.mergeProblem({ part, inputs, file });
      if (refused !== undefined) return { refused };
    }
    const { topicId, topicSince, next, reached, highWater, unlanded, damaged } = before;
    const [files, quarantineFiles]: LakeFile[][] = part === 'lake' ? [[file], []] : [[], [file]];
    const { hash: entryHash } = await lake.commit({
      ...{ epoch, sequence, topicId, topicSince, next, reached, highWater, unlanded, damaged, previousHash },
      ranges: [],
      counts: { read: 0, landed: 0, duplicate: 0, quarantined: 0, failures: {} },
      merged: { inputs },
      files: files ?? [],
      quarantineFiles: quarantineFiles ?? [],
    });
    return { entryHash };
  };
}
