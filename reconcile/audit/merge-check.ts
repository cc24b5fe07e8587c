import type { LakePart, LedgerEntry } from '../../ports';
import type { Change } from '../../adapters/lake/reading';

/** What is wrong with an entry of a merge: it moves rows from files that count into one file, and does nothing else. */
export function checkMerge(
  { merged, ranges, counts, files, quarantineFiles, supersedes, parked }: LedgerEntry,
  change: Record<LakePart, Change>,
): string[] {
  const wrong: string[] = [];
  const inputs = merged?.inputs ?? [];
  const { added, removed } = change[files.length > 0 ? 'lake' : 'quarantine'];
  const live = new Set(removed.map(({ path }) => path));
  const dead = inputs.filter((path) => !live.has(path));
  const [file, ...more] = added;
  if (file === undefined || more.length > 0 || (files.length > 0 && quarantineFiles.length > 0))
    wrong.push(`merges ${inputs.length} files into ${files.length + quarantineFiles.length}, not into one`);
  if (dead.length > 0)
    wrong.push(`merges ${dead[0]}, which does not count by the entries before it${andMore(dead.length)}`);
  if (new Set(inputs).size < inputs.length) wrong.push('merges a file twice');
  const dates = new Set([...inputs, ...added.map(({ path }) => path)].map((path) => path.split('/')[0]));
  if (dates.size > 1) wrong.push(`merges files of several dates: ${[...dates].join(', ')}`);
  const rows = removed.reduce((sum, one) => sum + one.rows, 0);
  if (dead.length === 0 && file !== undefined && rows !== file.rows)
    wrong.push(`merges ${rows} rows into ${file.rows}`);
  const { read, landed, duplicate, quarantined } = counts;
  if (ranges.length > 0 || read + landed + duplicate + quarantined > 0)
    wrong.push('merges files, and must have no offsets and no counts');
  if (supersedes !== undefined || parked !== undefined) wrong.push('merges files, and is no batch');
  return wrong;
}

function andMore(count: number): string {
  return count === 1 ? '' : `, and ${count - 1} more`;
}
