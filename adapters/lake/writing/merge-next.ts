/** Finds files of a date that are to become one, by the log, and merges them into a hidden file. */
import { planMerge } from '../../../domain/plan-merge';
import type { Merge } from '../../../domain/merge';
import { ORDERS } from '../../../domain/table/orders';
import type { LakePart, LakeStorage, LiveFile, MergeOptions } from '../../../ports';
import { type LakeLog, liveFile, PARTS, readEntry } from '../ledger';
import { uncommittedPath, writeMerged } from './merge';

/** A date in which nothing has landed for so long is done, for now: a batch of a trickle comes every second. */
const QUIET_MS = 30 * 60_000;

/** The first merge that is due; `undefined` where none is. Files that are not what the ledger says are left alone. */
export async function mergeNext(
  storage: LakeStorage,
  log: LakeLog,
  { targetBytes, asked, signal }: MergeOptions,
): Promise<{ merge: Merge; bytes: number } | undefined> {
  const state = await log.state();
  const apart = (await readEntry(storage.lake, state.sequence))?.topicSince ?? 0;
  const wanted = asked?.dates === undefined ? undefined : new Set(asked.dates.map((date) => `date=${date}`));
  const dates = PARTS.flatMap((part) =>
    [...state[part]]
      .filter(([date, files]) => files.size > 1 && (wanted?.has(date) ?? true))
      .map(([, files]) => ({ part, files: [...files.values()] })),
  );
  for (const { part, files } of dates) {
    const damaged = new Set<string>();
    for (;;) {
      const inputs = await dueOf(
        part,
        files.filter(({ path }) => !damaged.has(path)),
      );
      if (inputs === undefined) break;
      const batch = Math.max(...inputs.flatMap(({ batches }) => batches.map(([, to]) => to)));
      const made = await writeMerged(storage[part], ORDERS, { part, inputs, batch }, signal);
      if ('file' in made) {
        const bytes = inputs.reduce((sum, one) => sum + one.bytes, 0);
        return { merge: { part, inputs: inputs.map(({ path }) => path), file: made.file }, bytes };
      }
      for (const { path } of made.damaged) damaged.add(path);
    }
  }
  return undefined;

  async function dueOf(part: LakePart, files: readonly LiveFile[]): Promise<LiveFile[] | undefined> {
    const options = { targetBytes, apart: part === 'quarantine' ? apart : 0 };
    const now = planMerge(files, { ...options, quiet: asked !== undefined });
    if (now !== undefined) return now;
    const later = planMerge(files, { ...options, quiet: true });
    if (later === undefined) return undefined;
    const newest = Math.max(...files.map(({ entry }) => entry));
    const { committedAt = '' } = (await readEntry(storage.lake, newest)) ?? {};
    return Date.now() - Date.parse(committedAt) > QUIET_MS ? later : undefined;
  }
}

/** Why files cannot become this one now, if they cannot. */
export async function mergeProblem(
  storage: LakeStorage,
  log: LakeLog,
  { part, inputs, file }: Merge,
): Promise<string | undefined> {
  const state = await log.state();
  const gone = inputs.find((path) => liveFile(state[part], path) === undefined);
  if (gone !== undefined) return `${gone} does not count any more: another entry has taken its place`;
  const rows = inputs.reduce((sum, path) => sum + (liveFile(state[part], path)?.rows ?? 0), 0);
  if (rows !== file.rows) return `the inputs have ${rows} rows, the merged file ${file.rows}`;
  const root = storage[part];
  const standing = uncommittedPath(root, file.path);
  const found = await root.head(standing);
  if (found?.bytes === file.bytes) return undefined;
  return `the merged file ${root.locate(standing)} is gone: the lake was opened meanwhile`;
}
