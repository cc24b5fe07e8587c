/** What counts after each kind of entry. */
import type { LakeFile, LakePart, LedgerEntry } from '../../ports';
import { encodeEntry } from '../../adapters/lake/ledger/entry';
import { apply, emptyState, liveFile, type LogState } from '../../adapters/lake/ledger/log-state';

const [DAY, NEXT] = ['date=2025-11-18', 'date=2025-11-19'];

/** A file's path; batches' own have the same hash in this suite, merged ones another. */
const path = (batch: number, day = DAY, hash = 'a') =>
  `${day}/part-${String(batch).padStart(10, '0')}-${hash.repeat(12)}.parquet`;
const file = (name: string, rows = 1): LakeFile => ({ path: name, rows, bytes: 100, sha256: 'ff' });

function entry(sequence: number, fields: Partial<LedgerEntry>): LedgerEntry {
  return {
    sequence,
    ranges: [],
    next: {},
    reached: {},
    counts: { read: 0, landed: 0, duplicate: 0, quarantined: 0, failures: {} },
    highWater: {},
    files: [],
    quarantineFiles: [],
    ruleSetVersion: 1,
    previousHash: '',
    committedAt: '2025-11-18T10:00:00.000Z',
    ...fields,
  };
}

const own = (batch: number, ...days: string[]) =>
  entry(batch, { files: days.map((day) => file(path(batch, day))) });
const merge = (sequence: number, inputs: string[], into: string) =>
  entry(sequence, { merged: { inputs }, files: [file(into, inputs.length)] });

function fold(...entries: LedgerEntry[]): LogState {
  const state = emptyState();
  for (const one of entries) apply(state, one);
  return state;
}

/** `date=…/part-…: entry, batches`, by path. */
function live(state: LogState, part: LakePart = 'lake'): string[] {
  return [...state[part].values()]
    .flatMap((files) => [...files.values()])
    .map(
      ({ path: name, entry: by, batches }) => `${name}: ${by}, ${batches.map((b) => b.join('-')).join(' ')}`,
    )
    .sort();
}

test('a batch adds its files, each of one batch', () => {
  const state = fold(own(1, DAY, NEXT), own(2, DAY));
  expect(live(state)).toEqual([`${path(1)}: 1, 1-1`, `${path(2)}: 2, 2-2`, `${path(1, NEXT)}: 1, 1-1`]);
  expect(state.sequence).toBe(2);
  expect(liveFile(state.lake, path(2))).toMatchObject({ rows: 1, entry: 2 });
  expect(liveFile(state.lake, path(2, NEXT))).toBeUndefined();
});

test('a replay puts its files in the place of the batch’s, in all dates', () => {
  const replay = entry(3, { supersedes: 1, files: [file(path(1), 7)] });
  const state = fold(own(1, DAY, NEXT), own(2, DAY), replay);
  expect(live(state)).toEqual([`${path(1)}: 3, 1-1`, `${path(2)}: 2, 2-2`]);
  expect(liveFile(state.lake, path(1))?.rows).toBe(7);
});

test('a merge puts its file in the place of its inputs, and merges again', () => {
  const [first, second] = [path(2, DAY, 'b'), path(5, DAY, 'c')];
  const before = [own(1, DAY), own(2, DAY), merge(3, [path(1), path(2)], first)];
  expect(live(fold(...before))).toEqual([`${first}: 3, 1-2`]);
  const state = fold(...before, own(4, DAY), own(5, DAY), merge(6, [first, path(5)], second));
  expect(live(state)).toEqual([`${path(4)}: 4, 4-4`, `${second}: 6, 1-2 5-5`].sort());
});

test('a replay of a batch within a merged file leaves that, and adds what is the batch’s own', () => {
  const merged = path(2, DAY, 'b');
  const replay = entry(4, { supersedes: 2, files: [file(path(2)), file(path(2, NEXT))] });
  const state = fold(own(1, DAY), own(2, DAY), merge(3, [path(1), path(2)], merged), replay);
  expect(live(state)).toEqual([`${merged}: 3, 1-2`, `${path(2)}: 4, 2-2`, `${path(2, NEXT)}: 4, 2-2`].sort());
  // Again: only what the batch has for itself gives way.
  apply(state, entry(5, { supersedes: 2 }));
  expect(live(state)).toEqual([`${merged}: 3, 1-2`]);
});

test('a file that was merged from one is that batch’s, and gives way to its replay', () => {
  const merged = path(1, DAY, 'b');
  const state = fold(own(1, DAY), merge(2, [path(1)], merged));
  expect(live(state)).toEqual([`${merged}: 2, 1-1`]);
  apply(state, entry(3, { supersedes: 1 }));
  expect(live(state)).toEqual([]);
});

test('a batch that is withdrawn keeps what its entry lists', () => {
  const withdrawn = entry(2, {
    supersedes: 1,
    files: [file(path(1))],
    withdrawn: { files: [path(1, NEXT)], rows: 1 },
  });
  expect(live(fold(own(1, DAY, NEXT), withdrawn))).toEqual([`${path(1)}: 2, 1-1`]);
});

test('a merge takes its inputs from its own part, where both have files of these names', () => {
  const both = (sequence: number) =>
    entry(sequence, { files: [file(path(sequence))], quarantineFiles: [file(path(sequence))] });
  const merged = path(2, DAY, 'b');
  const inQuarantine = entry(3, {
    merged: { inputs: [path(1), path(2)] },
    quarantineFiles: [file(merged, 2)],
  });
  const state = fold(both(1), both(2), inQuarantine);
  expect(live(state, 'quarantine')).toEqual([`${merged}: 3, 1-2`]);
  expect(live(state)).toEqual([`${path(1)}: 1, 1-1`, `${path(2)}: 2, 2-2`]);
});

test('it tells what an entry has added and removed', () => {
  const state = fold(own(1, DAY), own(2, DAY));
  const { lake, quarantine } = apply(state, merge(3, [path(1), path(9)], path(2, DAY, 'b')));
  expect(lake.removed.map((one) => one.path)).toEqual([path(1)]);
  expect(lake.added.map((one) => one.path)).toEqual([path(2, DAY, 'b')]);
  expect(quarantine).toEqual({ added: [], removed: [] });
});

test('a batch has failed until a replay lands it', () => {
  const parked = { type: 'BatchNotLandable', message: '' };
  const state = fold(own(1, DAY), entry(2, { parked }));
  expect([...state.failed]).toEqual([2]);
  apply(state, entry(3, { supersedes: 2, parked }));
  expect([...state.failed]).toEqual([2]);
  apply(state, entry(4, { supersedes: 2 }));
  expect([...state.failed]).toEqual([]);
});

describe('an entry of a merge that is more than that is not written:', () => {
  const good = merge(3, [path(1), path(2)], path(2, DAY, 'b'));
  const bad: Record<string, Partial<LedgerEntry>> = {
    'two files': { files: [...good.files, file(path(2, DAY, 'c'))] },
    'a file in each part': { quarantineFiles: [...good.files] },
    'no file': { files: [] },
    'an input of another date': { merged: { inputs: [path(1), path(2, NEXT)] } },
    'no inputs': { merged: { inputs: [] } },
    offsets: { ranges: [{ partition: 0, from: '0', to: '1' }] },
    counts: { counts: { ...good.counts, landed: 2 } },
    'a replay': { supersedes: 1 },
    'a failed batch': { parked: { type: 'BatchNotLandable', message: '' } },
  };
  test.each(Object.keys(bad))('%s', (name) => {
    expect(encodeEntry(good).toString()).toContain('"merged"');
    expect(() => encodeEntry({ ...good, ...bad[name] })).toThrow();
  });
});
