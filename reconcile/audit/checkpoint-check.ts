import type { Storage } from '../../ports';
import {
  checkpointName,
  checkpointOf,
  isSame,
  type LedgerStep,
  readCheckpoint,
} from '../../adapters/lake/reading';
import { shellWord } from '../../domain/damaged';
import type { Findings } from './findings';
import type { LedgerCheck } from './ledger-check';

/** Whether the checkpoint after an entry says what the entries say. Where some of these are lost nothing can be compared. */
export async function checkCheckpoint(
  lake: Storage,
  { state, unproved }: Pick<LedgerCheck, 'state' | 'unproved'>,
  { sequence, sha256 }: LedgerStep,
  findings: Findings,
): Promise<void> {
  if (unproved.size > 0) return;
  const found = await readCheckpoint(lake, sequence);
  const name = checkpointName(sequence);
  // A newer one may have taken its place meanwhile.
  if (isSame(found, checkpointOf(state, sha256)) || (await lake.head(name)) === undefined) return;
  const path = lake.locate(name);
  findings.problem(
    'checkpoint-wrong',
    name,
    (found === undefined
      ? 'cannot be read, and is ignored'
      : 'does not say what the entries before it come to: look-ups and replays go wrong by it') +
      `. Nothing needs it: rm ${shellWord(path)}. Then restart the workers`,
  );
}
